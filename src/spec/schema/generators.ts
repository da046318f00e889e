/** `spec` of every generator kind, in the notation of `notation.ts`. */
export const generators: Readonly<Record<string, string>> = {
  ACRAccessToken: `{
    auth! {
      managedIdentity {identityId s}
      servicePrincipal {secretRef! {clientId @secret clientSecret @secret}}
      workloadIdentity {serviceAccountRef @account}
    }
    environmentType PublicCloud|USGovernmentCloud|ChinaCloud|GermanCloud|AzureStackCloud=PublicCloud
    registry! s  scope s  tenantId s
  }`,
  BeyondtrustWorkloadCredentialsDynamicSecret: `{
    controller s
    provider! {
      auth! {apikey! {token! @secret}}  caBundle bytes  caProvider @caProvider  folderPath s
      server! {apiUrl! s siteId! s}
    }
    retrySettings @retry
  }`,
  CloudsmithAccessToken: '{apiUrl s orgSlug! s serviceAccountRef! @account serviceSlug! s}',
  ECRAuthorizationToken: '{auth @awsAuth region! s role s scope s}',
  Fake: '{controller s data <s>}',
  GCRAccessToken: `{
    auth! {
      secretRef {secretAccessKeySecretRef @secret}
      workloadIdentity {clusterLocation! s clusterName! s clusterProjectID s serviceAccountRef! @account}
      workloadIdentityFederation @federation
    }
    projectID! s
  }`,
  GithubAccessToken: `{
    appID! s  auth! {privateKey! {secretRef! @secret}}  installID! s  permissions <s>
    repositories [s]  url s
  }`,
  GitlabDeployToken: `{
    auth! {token! {secretRef! @secret}}  expiresAt date  groupID s1  name! s1  projectID s1
    scopes! [@gitlabScope]+
    url s  username s  %one(projectID,groupID)
  }`,
  Grafana: `{
    auth! {basic {password! {key key name name} username! s} token {key key name name}}
    serviceAccount! {name! s role! s secondsToLive i(1..)}  url! s
  }`,
  MFA: '{algorithm s length i secret! @secret timePeriod i when date}',
  Password: `{
    allowRepeat! b=false  digits i  encoding base64|base64url|base32|hex|raw=raw  length! i=24
    noUpper! b=false  secretKeys [s]+  symbolCharacters s  symbols i
  }`,
  QuayAccessToken: '{robotAccount! s serviceAccountRef! @account url s}',
  SSHKey: '{comment s keySize i(256..8192) keyType rsa|ecdsa|ed25519=rsa}',
  STSSessionToken: `{
    auth @awsAuth  region! s  requestParameters {serialNumber s sessionDuration i tokenCode s}
    role s
  }`,
  UUID: '{}',
  VaultDynamicSecret: `{
    allowEmptyResponse b=false  controller s  getParameters <[s]>  method s  parameters any
    path! s  provider! @vault  resultType Data|Auth|Raw=Data  retrySettings @retry
  }`,
  Webhook: `{
    auth @ntlm  body s  caBundle bytes  caProvider @caProvider  headers <s>  method s
    result! {jsonPath s}  secrets [{name! s secretRef! {key key name name}}]  timeout duration  url! s
  }`,
};

/** The member of a ClusterGenerator's `spec.generator` that holds the spec of a kind. */
export function clusterGeneratorField(kind: string): string {
  const acronym = /^[A-Z]+(?=[A-Z][a-z]|$)/.exec(kind)?.[0];
  const head = acronym ?? kind.slice(0, 1);
  return `${head.toLowerCase()}${kind.slice(head.length)}Spec`;
}
