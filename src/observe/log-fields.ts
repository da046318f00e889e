import { AgentError, positionOf } from '../base/errors.ts';

/**
 * Fields as they may be logged. Errors are recognised by type, wherever they stand and whatever the key is
 * called: an AgentError gives what was written for people, any other error only its name, its code and where in
 * our code it rose, since a stranger's message can hold anything. Secret and Buffer never show their bytes.
 */
export function loggable(fields: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, shown(value)]));
}

function shown(value: unknown): unknown {
  if (value instanceof Error) return errorFields(value);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (Array.isArray(value)) return value.map(shown);
  return value;
}

function errorFields(error: Error): object {
  if (!(error instanceof AgentError)) return strangerFields(error);
  const { code, message, remedy, retryAfterMs, requestId, at, cause } = error;
  const { file: _file, line: _line, column: _column, ...rest } = at;
  const causes = codesOf(cause);
  return {
    code,
    message,
    position: positionOf(at) || undefined,
    ...rest,
    remedy,
    retryAfterMs,
    requestId,
    causes: causes.length === 0 ? undefined : causes,
  };
}

function strangerFields(error: Error): object {
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return { name: error.name, code: codeOf(error), causes: codesOf(error.cause), stack: frames.join('\n') };
}

/** Of a chain of causes, only what names the fault: `ECONNREFUSED`, `AccessDeniedException`. */
function codesOf(cause: unknown): string[] {
  const codes: string[] = [];
  for (let next = cause; next instanceof Error && codes.length < 5; next = next.cause) {
    codes.push(codeOf(next) ?? next.name);
  }
  return codes;
}

function codeOf(error: Error): string | undefined {
  const code: unknown = 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^\w{1,64}$/.test(code) ? code : undefined;
}
