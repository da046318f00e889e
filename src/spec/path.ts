/** Where a field stands inside a document: member names and list indexes. */
export type Path = readonly (string | number)[];

/** As in the YAML: `spec.data[0].remoteRef.key`, `metadata.annotations["a.b/c"]`. */
export function pathText(path: Path): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (!/^[\w-]+$/.test(part)) text += `[${JSON.stringify(part)}]`;
    else text += text === '' ? part : `.${part}`;
  }
  return text;
}

/** The inverse of `pathText`. */
export function parsePath(text: string): Path {
  const parts: (string | number)[] = [];
  for (const match of text.matchAll(/\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]|([^.[\]]+)/g)) {
    const [, index, quoted, name] = match;
    if (index !== undefined) parts.push(Number(index));
    else if (quoted !== undefined) parts.push(String(JSON.parse(quoted)));
    else if (name !== undefined) parts.push(name);
  }
  return parts;
}
