import { generateKeyPairSync } from 'node:crypto';
import forge from 'node-forge';

export interface Issued {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
}

export interface Authority extends Issued {
  /** The first name is the common name too; `organization` is what Kubernetes reads as a client's group. */
  issue(options: {
    names: readonly string[];
    organization?: string;
    validFrom?: Date;
    validTo?: Date;
  }): Issued;
}

/** A certificate authority of the test's own; every key is fresh. */
export function authority(commonName: string): Authority {
  const keys = rsa();
  const self = certificate(commonName, keys.publicKey);
  self.setIssuer(self.subject.attributes);
  self.setExtensions([
    { name: 'basicConstraints', cA: true, critical: true },
    { name: 'keyUsage', digitalSignature: true, keyCertSign: true, cRLSign: true, critical: true },
    { name: 'subjectKeyIdentifier' },
  ]);
  self.sign(keys.privateKey, forge.md.sha256.create());
  return {
    cert: forge.pki.certificateToPem(self),
    key: keys.privateKeyPem,
    issue: ({ names, organization, validFrom, validTo }) => {
      const leafKeys = rsa();
      const leaf = certificate(names[0] ?? 'leaf', leafKeys.publicKey, organization);
      if (validFrom) leaf.validity.notBefore = validFrom;
      if (validTo) leaf.validity.notAfter = validTo;
      leaf.setIssuer(self.subject.attributes);
      leaf.setExtensions([
        { name: 'basicConstraints', cA: false },
        { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
        { name: 'subjectAltName', altNames: names.map(altName) },
      ]);
      leaf.sign(keys.privateKey, forge.md.sha256.create());
      return { cert: forge.pki.certificateToPem(leaf), key: leafKeys.privateKeyPem };
    },
  };
}

function altName(name: string): object {
  return /^[\d.]+$/.test(name) ? { type: 7, ip: name } : { type: 2, value: name };
}

let serial = 1;

function certificate(
  commonName: string,
  publicKey: forge.pki.PublicKey,
  organization?: string,
): forge.pki.Certificate {
  const made = forge.pki.createCertificate();
  made.publicKey = publicKey;
  made.serialNumber = `1${(serial++).toString(16).padStart(7, '0')}`;
  made.validity.notBefore = new Date(Date.now() - 3_600_000);
  made.validity.notAfter = new Date(Date.now() + 86_400_000);
  const group = organization === undefined ? [] : [{ name: 'organizationName', value: organization }];
  made.setSubject([...group, { name: 'commonName', value: commonName }]);
  return made;
}

function rsa() {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return {
    publicKey: forge.pki.publicKeyFromPem(publicKey),
    privateKey: forge.pki.privateKeyFromPem(privateKey),
    privateKeyPem: privateKey,
  };
}
