/** Shapes that several kinds share, in the notation of `notation.ts`; `@name` refers to them. The facts are
 * those of the CRDs of external-secrets.io/v1 as of ESO 2.9. */
export const shared: Readonly<Record<string, string>> = {
  secret: '{key key name name namespace namespace}',
  account: '{audiences [s] name! name namespace namespace}',
  caProvider: '{key key name! name namespace namespace type! Secret|ConfigMap}',
  awsKeys: '{accessKeyIDSecretRef @secret secretAccessKeySecretRef @secret sessionTokenSecretRef @secret}',
  awsAuth: '{jwt {serviceAccountRef @account} secretRef @awsKeys}',
  workloadIdentity: '{clusterLocation s clusterName s clusterProjectID s serviceAccountRef! @account}',
  federation: `{
    audience s
    awsSecurityCredentials {awsCredentialsSecretRef! {name! name namespace namespace} region! pool}
    credConfig {key! key name! name namespace namespace}  externalTokenEndpoint s
    gcpServiceAccountEmail gsa  serviceAccountRef @account
  }`,
  gcpAuth: `{
    secretRef {secretAccessKeySecretRef @secret}  workloadIdentity @workloadIdentity
    workloadIdentityFederation @federation
  }`,
  vault: `{
    auth {
      appRole {path! s=approle roleId s roleRef @secret secretRef! @secret}
      cert {clientCert @secret path s=cert secretRef @secret vaultRole s}
      gcp {
        location s  path s=gcp  projectID s  role! s
        secretRef {secretAccessKeySecretRef @secret}  serviceAccountRef @account
        workloadIdentity @workloadIdentity
      }
      iam {
        externalID s  jwt {serviceAccountRef @account}  path s  region s  role s
        secretRef @awsKeys  vaultAwsIamServerID s  vaultRole! s
      }
      jwt {
        kubernetesServiceAccountToken {audiences [s] expirationSeconds i serviceAccountRef! @account}
        path! s=jwt  role s  secretRef @secret
      }
      kubernetes {mountPath! s=kubernetes role! s secretRef @secret serviceAccountRef @account}
      ldap {path! s=ldap secretRef @secret username! s}  namespace s  tokenSecretRef @secret
      userPass {path! s=userpass secretRef @secret username! s}
    }
    caBundle bytes  caProvider @caProvider  checkAndSet {required b}  forwardInconsistent b
    headers <s>  namespace s  path s  readYourWrites b  server! s
    tls {certSecretRef @secret keySecretRef @secret}  version v1|v2=v2
  }`,
  ntlm: '{ntlm {passwordSecret! @secret usernameSecret! @secret}}#1',
  retry: '{maxRetries i retryInterval duration}',
  gitlabScope:
    'read_repository|read_registry|write_registry|read_package_registry|' +
    'write_package_registry|read_virtual_registry|write_virtual_registry',
};
