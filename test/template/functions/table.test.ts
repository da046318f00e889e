import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isLazy } from '../../../src/template/call.ts';
import { functions } from '../../../src/template/functions/functions.ts';

/** What ESO 2.x offers to templates besides the language's own functions. */
const expected = `
  ago date date_in_zone dateInZone date_modify dateModify must_date_modify mustDateModify duration durationRound
  htmlDate htmlDateInZone now toDate mustToDate unixEpoch
  abbrev abbrevboth trunc trim upper lower title untitle substr repeat trimall trimAll trimSuffix trimPrefix nospace
  initials randAlphaNum randAlpha randAscii randNumeric swapcase shuffle snakecase camelcase kebabcase wrap wrapWith
  contains hasPrefix hasSuffix quote squote cat indent nindent replace plural sha1sum sha256sum sha512sum adler32sum
  toString split splitList splitn toStrings join sortAlpha hello
  atoi int int64 float64 seq toDecimal until untilStep add1 add sub div mod mul randInt add1f addf subf divf mulf
  biggest max min maxf minf ceil floor round
  default empty coalesce all any compact mustCompact fromJson toJson toPrettyJson toRawJson mustFromJson mustToJson
  mustToPrettyJson mustToRawJson ternary deepCopy mustDeepCopy
  typeOf typeIs typeIsLike kindOf kindIs deepEqual
  base dir clean ext isAbs osBase osClean osDir osExt osIsAbs
  b64enc b64dec b32enc b32dec hexdec
  tuple list dict get set unset hasKey pluck keys pick omit merge mergeOverwrite mustMerge mustMergeOverwrite values
  append push mustAppend mustPush prepend mustPrepend first mustFirst rest mustRest last mustLast initial mustInitial
  reverse mustReverse uniq mustUniq without mustWithout has mustHas slice mustSlice concat dig chunk mustChunk
  bcrypt htpasswd genPrivateKey derivePassword buildCustomCert genCA genCAWithKey genSelfSignedCert
  genSelfSignedCertWithKey genSignedCert genSignedCertWithKey encryptAES decryptAES randBytes
  uuidv4 semver semverCompare fail
  regexMatch mustRegexMatch regexFindAll mustRegexFindAll regexFind mustRegexFind regexReplaceAll mustRegexReplaceAll
  regexReplaceAllLiteral mustRegexReplaceAllLiteral regexSplit mustRegexSplit regexQuoteMeta
  urlParse urlJoin
  pkcs12key pkcs12keyPass pkcs12cert pkcs12certPass pemToPkcs12 pemToPkcs12Pass fullPemToPkcs12 fullPemToPkcs12Pass
  pemTruststoreToPKCS12 pemTruststoreToPKCS12Pass filterPEM filterCertChain certSANs jwkPublicKeyPem jwkPrivateKeyPem
  toYaml fromYaml rsaDecrypt
`;

test('templates may call exactly what ESO offers', () => {
  assert.deepEqual(Object.keys(functions).sort(), expected.trim().split(/\s+/).sort());
});

test('nothing that looks outside the template is there', () => {
  for (const name of ['env', 'expandenv', 'getHostByName', 'readFile', 'lookup', 'include', 'tpl']) {
    assert.equal(Object.hasOwn(functions, name), false, name);
  }
});

test('what needs a library is loaded with the first template that uses it', () => {
  const lazy = Object.keys(functions).filter((name) => isLazy(functions[name]!));
  for (const name of [
    'regexMatch',
    'bcrypt',
    'genCA',
    'pkcs12key',
    'jwkPublicKeyPem',
    'toYaml',
    'rsaDecrypt',
  ]) {
    assert.ok(lazy.includes(name), name);
  }
  assert.ok(!lazy.includes('upper'));
});
