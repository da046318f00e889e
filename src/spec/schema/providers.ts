/** `spec.provider.<name>` of a SecretStore, for every provider that the CRD knows, in the notation of
 * `notation.ts`. */
export const providers: Readonly<Record<string, string>> = {
  akeyless: `{
    akeylessGWApiURL! s
    authSecretRef! {
      kubernetesAuth {accessID! s k8sConfName! s secretRef @secret serviceAccountRef @account}
      secretRef {accessID @secret accessType @secret accessTypeParam @secret}
      serviceAccountRef @account
    }
    caBundle bytes  caProvider @caProvider  ignoreCache b
  }`,
  aws: `{
    additionalRoles [s]  auth @awsAuth
    customSessionTags <s %none(esoNamespace,esoStoreName,esoStoreKind)>  externalID s  prefix s
    region! s  role s  secretsManager {forceDeleteWithoutRecovery b recoveryWindowInDays i}
    service! SecretsManager|ParameterStore|CertificateManager  sessionTags [{key! s value! s}]
    sessionTagsPolicy None|Simple|Custom=None  transitiveTagKeys [s]
  }`,
  azurekv: `{
    authSecretRef {clientCertificate @secret clientId @secret clientSecret @secret tenantId @secret}
    authType ServicePrincipal|ManagedIdentity|WorkloadIdentity=ServicePrincipal
    customCloudConfig {
      activeDirectoryEndpoint! s  keyVaultDNSSuffix s  keyVaultEndpoint s
      resourceManagerEndpoint s
    }
    environmentType PublicCloud|USGovernmentCloud|ChinaCloud|GermanCloud|AzureStackCloud=PublicCloud
    identityId s  serviceAccountRef @account  tenantId s  useAzureSDK b=false  vaultUrl! s
  }`,
  barbican: `{
    auth! {password! {secretRef! @secret} username! {secretRef @secret value s}#1}  authURL s
    domainName s  region s  tenantName s
  }`,
  beyondtrust: `{
    auth! {
      apiKey {secretRef @secret value s}  certificate {secretRef @secret value s}
      certificateKey {secretRef @secret value s}  clientId {secretRef @secret value s}
      clientSecret {secretRef @secret value s}
    }
    server! {
      apiUrl! s  apiVersion s  clientTimeOutSeconds i  decrypt b=true  retrievalType s
      separator s  verifyCA! b
    }
  }`,
  beyondtrustworkloadcredentials: `{
    auth! {apikey! {token! @secret}}  caBundle bytes  caProvider @caProvider  folderPath s
    server! {apiUrl! s siteId! s}
  }`,
  bitwardensecretsmanager: `{
    apiURL s  auth! {secretRef! {credentials! @secret}}  bitwardenServerSDKURL s  caBundle s
    caProvider @caProvider  identityURL s  organizationID! s  projectID! s
  }`,
  chef: '{auth! {secretRef! {privateKeySecretRef! @secret}} serverUrl! s username! s}',
  cloudrusm: `{
    auth! {secretRef {accessKeyIDSecretRef! @secret accessKeySecretSecretRef! @secret}}
    projectID s
  }`,
  conjur: `{
    auth! {
      apikey {account! s apiKeyRef! @secret userRef! @secret}
      cert {account! s clientCertRef! @secret clientKeyRef! @secret hostId s serviceID! s}
      jwt {account! s hostId s secretRef @secret serviceAccountRef @account serviceID! s}
    }#1
    caBundle s  caProvider @caProvider  url! s
  }`,
  crd: `{
    auth {
      cert {clientCert! @secret clientKey! @secret}  serviceAccount @account
      token {bearerToken! @secret}
    }#1
    authRef @secret  resource! {group! s kind! s1 version! s1}
    server {caBundle bytes caProvider @caProvider url s=kubernetes.default}
    whitelist {rules [{name s namespace s properties [s]}]}  %some(auth,authRef)  %most(auth,authRef)
  }`,
  delinea: `{
    clientId! {secretRef @secret value s}  clientSecret! {secretRef @secret value s}  tenant! s
    tld s  urlTemplate s
  }`,
  doppler: `{
    auth! {
      oidcConfig {expirationSeconds i=600 identity! s serviceAccountRef! @account}
      secretRef {dopplerToken! @secret}  %one(secretRef,oidcConfig)
    }
    config s  format json|dotnet-json|env|yaml|docker
    nameTransformer upper-camel|camel|lower-snake|tf-var|dotnet-env|lower-kebab  project s
  }`,
  dvls: '{auth! {secretRef! {appId! @secret appSecret! @secret}} insecure b serverUrl! s vault s}',
  fake: '{data! [{key! s value! s version s}] validationResult i}',
  fortanix: '{apiKey {secretRef @secret} apiUrl s}',
  gcpsm: '{auth @gcpAuth location s projectID s secretVersionSelectionPolicy s=LatestOrFail}',
  github: `{
    appID! i  auth! {privateKey! @secret}  environment s  installationID! i
    orgSecretVisibility all|private  organization! s  repository s  uploadURL s
    url s=https://github.com/
  }`,
  gitlab: `{
    auth! {SecretRef! {accessToken @secret}}  caBundle bytes  caProvider @caProvider
    environment s  groupIDs [s]  inheritFromGroups b  projectID s  url s
  }`,
  ibm: `{
    auth! {
      containerAuth {iamEndpoint s profile! s tokenLocation s}
      secretRef {iamEndpoint s secretApiKeySecretRef @secret}
    }#1
    serviceUrl s
  }`,
  infisical: `{
    auth! {
      awsAuthCredentials {identityId! @secret}
      azureAuthCredentials {identityId! @secret resource @secret}
      gcpIamAuthCredentials {identityId! @secret serviceAccountKeyFilePath! @secret}
      gcpIdTokenAuthCredentials {identityId! @secret}
      jwtAuthCredentials {identityId! @secret jwt! @secret}
      kubernetesAuthCredentials {identityId! @secret serviceAccountTokenPath @secret}
      ldapAuthCredentials {identityId! @secret ldapPassword! @secret ldapUsername! @secret}
      ociAuthCredentials {
        fingerprint! @secret  identityId! @secret  privateKey! @secret
        privateKeyPassphrase @secret  region! @secret  tenancyId! @secret  userId! @secret
      }
      tokenAuthCredentials {accessToken! @secret}
      universalAuthCredentials {clientId! @secret clientSecret! @secret}
    }
    caBundle bytes  caProvider @caProvider  hostAPI s=https://app.infisical.com/api
    secretsScope! {
      environmentSlug! s  expandSecretReferences b=true  organizationSlug s  projectSlug! s
      recursive b=false  secretsPath s=/
    }
  }`,
  keepersecurity: '{authRef! @secret folderID! s getByTitleFallback b}',
  kubernetes: `{
    auth {
      cert {clientCert! @secret clientKey! @secret}  serviceAccount @account
      token {bearerToken! @secret}
    }#1
    authRef @secret  remoteNamespace namespace=default
    server {caBundle bytes caProvider @caProvider url s=kubernetes.default}
  }`,
  nebiusmysterybox: `{
    apiDomain! s
    auth! {
      serviceAccountCredsSecretRef @secret  tokenSecretRef @secret
      %some(serviceAccountCredsSecretRef,tokenSecretRef)
    }
    caProvider {certSecretRef @secret}
  }`,
  ngrok: '{apiUrl s=https://api.ngrok.com auth! {apiKey {secretRef @secret}}#1 vault! {name! s}}',
  onboardbase: `{
    apiHost! s=https://public.onboardbase.com/api/v1/
    auth! {apiKeyRef! @secret passcodeRef! @secret}  environment! s=development
    project! s=development
  }`,
  onepassword: '{auth! {secretRef! {connectTokenSecretRef! @secret}} connectHost! s vaults! <i>}',
  onepasswordSDK: `{
    auth! {serviceAccountSecretRef! @secret}  cache {maxSize i(1..)=100 ttl duration=5m}  environment s
    integrationInfo {name s='1Password SDK' version s=v1.0.0}  vault s  %most(vault,environment)
  }`,
  openBao: `{
    auth {
      appRole {path! s=approle roleId s1 roleRef @secret secretRef! @secret %one(roleId,roleRef)}
      namespace s  tokenSecretRef @secret
      userPass {path! s=userpass secretRef @secret username! s}  %one(appRole,tokenSecretRef,userPass)
    }
    caBundle bytes  caProvider @caProvider  namespace s  path s  server! s  version v1|v2=v2
    %most(caBundle,caProvider)
  }`,
  oracle: `{
    auth {secretRef! {fingerprint! @secret privatekey! @secret} tenancy! s user! s}
    compartment s  encryptionKey s  principalType ''|UserPrincipal|InstancePrincipal|Workload
    region! s  serviceAccountRef @account  vault! s
  }`,
  ovh: `{
    auth! {
      mtls {caBundle bytes caProvider @caProvider certSecretRef! @secret keySecretRef! @secret}
      token {tokenSecretRef! @secret}
    }
    casRequired b  okmsTimeout i(1..)=30  okmsid! s  server! s
  }`,
  passbolt: `{
    auth! {passwordSecretRef! @secret privateKeySecretRef! @secret}  caBundle bytes
    caProvider @caProvider  host! s
  }`,
  passworddepot: '{auth! {secretRef! {credentials @secret}} database! s host! s}',
  previder: '{auth! {secretRef {accessToken! @secret}} baseUri s}',
  pulumi: `{
    accessToken {secretRef @secret}  apiUrl s=https://api.pulumi.com/api/esc
    auth {
      accessToken {secretRef @secret}
      oidcConfig {expirationSeconds i(600..)=600 organization! s serviceAccountRef! @account}
      %one(accessToken,oidcConfig)
    }
    environment! s  organization! s  project! s  %one(auth,accessToken)
  }`,
  scaleway: `{
    accessKey! {secretRef @secret value s}  apiUrl s  projectId! s  region! s
    secretKey! {secretRef @secret value s}
  }`,
  secretserver: `{
    caBundle bytes  caProvider @caProvider  domain s
    password {secretRef @secret value s1 %one(value,secretRef)}  serverURL! s
    token {secretRef @secret value s1 %one(value,secretRef)}
    username {secretRef @secret value s1 %one(value,secretRef)}  %some(token,username+password)
  }`,
  senhasegura: `{
    auth! {clientId! s clientSecretSecretRef! @secret}  ignoreSslCertificate b=false  module! s
    url! s
  }`,
  vault: '@vault',
  volcengine: '{auth {secretRef {accessKeyID! @secret secretAccessKey! @secret token @secret}} region! s}',
  webhook: `{
    auth @ntlm  body s  caBundle bytes  caProvider @caProvider  headers <s>  method s
    result {jsonPath s}  secrets [{name! s secretRef! @secret}]  timeout duration  url! s
  }`,
  yandexcertificatemanager: `{
    apiEndpoint s  auth! {authorizedKeySecretRef @secret}  caProvider {certSecretRef @secret}
    fetching {byID {} byName {folderID! s}}#1
  }`,
  yandexlockbox: `{
    apiEndpoint s  auth! {authorizedKeySecretRef @secret}  caProvider {certSecretRef @secret}
    fetching {byID {} byName {folderID! s}}#1
  }`,
};

/** Providers that v1beta1 had and v1 has not. */
export const removedProviders: readonly string[] = ['alibaba', 'device42'];
