import { createServer, type IncomingMessage, type Server } from 'node:http';

/** Answers as Vault's KV engine and as AWS Secrets Manager do, to whoever asks, with what the specs below want. */
export function openStore(): Server {
  return createServer((request, response) => {
    request.resume().on('end', () => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(answerTo(request)));
    });
  });
}

const secret = (id: string) => ({ Name: id, SecretString: '{"password":"p"}', VersionId: 'v' });

function answerTo({ url = '', headers }: IncomingMessage): object {
  if (headers['x-amz-target'] === 'secretsmanager.BatchGetSecretValue')
    return { SecretValues: [secret('one'), secret('two')], Errors: [] };
  if (headers['x-amz-target'] !== undefined) return secret('three');
  if (url.startsWith('/v1/auth/'))
    return { auth: { client_token: 't', lease_duration: 3600, renewable: true, token_type: 'service' } };
  return { data: { data: { password: 'p' }, metadata: { version: 1 } } };
}

/** In the style of most specs, which the YAML library is not needed for. */
const vault = (url: string): string => `# Where secrets come from.
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata:
  name: vault
spec:
  provider:
    vault:
      server: "${url}"
      path: secret
      version: 'v2'
      auth:
        kubernetes: {mountPath: kubernetes, role: app}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: vault, labels: {}}
spec:
  refreshInterval: 5m # of every pod
  secretStoreRef:
    name: vault
  target:
    template:
      mergePolicy: Merge
      data:
        conf: |
          password={{ .one }}
  data:
    - secretKey: one
      remoteRef:
        key: one
        property: password
    - {secretKey: two, remoteRef: {key: two}}
`;

/** Brackets over several lines take the YAML library, and so does what such a template renders. */
const aws = (): string => `apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: aws}
spec:
  provider:
    aws:
      service: SecretsManager
      region: eu-west-1
      auth:
        secretRef:
          accessKeyIDSecretRef: {name: aws, key: id}
          secretAccessKeySecretRef: {name: aws, key: secret}
---
apiVersion: v1
kind: Secret
metadata: {name: aws}
stringData: {id: AKIAEXAMPLE, secret: none}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: aws}
spec:
  refreshInterval: 5m
  secretStoreRef: {name: aws}
  target: {template: {mergePolicy: Merge, templateFrom: [{literal: "four: {{ .one }}"}]}}
  data: [
    {secretKey: one, remoteRef: {key: one, property: password}},
    {secretKey: two, remoteRef: {key: two}},
    {secretKey: three, remoteRef: {key: three, version: uuid/v}},
  ]
`;

/** What each start is to load, given the address of its store; by the name of the ExternalSecret that it delivers. */
export const rounds: Readonly<Record<string, (url: string) => string>> = { vault, aws };
