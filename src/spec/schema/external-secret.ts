/** `spec` of an ExternalSecret and what stands around a store's provider, in the notation of `notation.ts`. */

const generatorKinds =
  'ACRAccessToken|BeyondtrustWorkloadCredentialsDynamicSecret|ClusterGenerator|CloudsmithAccessToken|' +
  'ECRAuthorizationToken|Fake|GCRAccessToken|GithubAccessToken|GitlabDeployToken|QuayAccessToken|Password|' +
  'SSHKey|STSSessionToken|UUID|VaultDynamicSecret|Webhook|Grafana|MFA';

// SecretProviderClass is ours beside the CRD's two kinds; the CRD lets the name be absent, and then no store
// is ever found.
const storeRef = '{kind SecretStore|ClusterSecretStore|SecretProviderClass name name}';

const sourceRef = `{
  generatorRef {
    apiVersion s=generators.external-secrets.io/v1alpha1  kind! ${generatorKinds}  name! name
  }
  storeRef ${storeRef}
}#1`;

const decoding = 'Auto|Base64|Base64URL|None';

function strategies(version: 'v1' | 'v1beta1'): string {
  // v1 dropped the defaults of v1beta1; unset means the same.
  return version === 'v1'
    ? `conversionStrategy Default|Unicode  decodingStrategy ${decoding}  nullBytePolicy Ignore|Fail`
    : `conversionStrategy Default|Unicode=Default  decodingStrategy ${decoding}=None`;
}

function remoteRef(version: 'v1' | 'v1beta1'): string {
  return `{key! s  metadataPolicy None|Fetch  property s  version s  ${strategies(version)}}`;
}

function template(version: 'v1' | 'v1beta1'): string {
  const source = '{items! [{key! key templateAs Values|KeysAndValues=Values}] name! name}';
  const v1 = version === 'v1';
  return `{
    data <s>  engineVersion v2|=v2  mergePolicy Replace|Merge=Replace
    metadata {annotations <s> labels <s> ${v1 ? 'finalizers [s]' : ''}}
    templateFrom [{
      configMap ${source}  secret ${source}  literal s
      ${v1 ? `target s=Data  valuesDecodingStrategy ${decoding}` : 'target Data|Annotations|Labels=Data'}
    }]
    type s
  }`;
}

/** The CRD's schema of `spec`, by the version that a document names. */
export function externalSecretSpec(version: 'v1' | 'v1beta1'): string {
  const v1 = version === 'v1';
  const merge = `merge {
    conflictPolicy Ignore|Error=Error  into s=''  priority [s]
    priorityPolicy IgnoreNotFound|Strict=Strict  strategy Extract|JSON=Extract
  }`;
  const syncWindows = 'syncWindows {kind! allow|deny windows! [{duration! duration schedule! schedule}]+}';
  return `{
    data [{remoteRef! ${remoteRef(version)} secretKey! key sourceRef ${sourceRef}}]
    dataFrom [{
      extract ${remoteRef(version)}
      find {name {regexp s} path s tags <s> ${strategies(version)}}
      rewrite [{${v1 ? merge : ''} regexp {source! s target! s} transform {template! s}}#1]
      sourceRef ${sourceRef}
    }]
    refreshInterval duration=1h0m0s  refreshPolicy CreatedOnce|Periodic|OnChange
    secretStoreRef ${storeRef}
    ${v1 ? syncWindows : ''}
    target {
      creationPolicy Owner|Orphan|Merge|None${v1 ? '|CreateOrMerge' : ''}=Owner
      deletionPolicy Delete|Merge|Retain=Retain
      immutable b  name name  ${v1 ? 'manifest {apiVersion! s1 kind! s1}' : ''}
      template ${template(version)}
    }={}
  }`;
}

/** `spec` of a store beside its provider. */
export function storeSpec(version: 'v1' | 'v1beta1'): string {
  return `{
    conditions [{
      namespaceSelector {
        matchExpressions [{key! s operator! s values [s]}]  matchLabels <s>
      }
      namespaceRegexes [s]  namespaces [namespace]
    }]
    controller s  provider! any  refreshInterval ${version === 'v1' ? 'interval' : 'i'}  retrySettings @retry
  }`;
}

/** `spec.provider.aws` of a SecretProviderClass. */
export const secretProviderClassSpec = `{
  provider! {aws! {secretSmEndpoint s  authType AWSCredentials|  roleArn s  region s  tls b}}
}`;
