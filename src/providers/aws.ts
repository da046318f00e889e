import { AgentError } from '../base/errors.ts';
import { type AwsConfig, parseAws, placeOf } from './aws-config.ts';
import type { Provider } from './provider.ts';

/** AWS Secrets Manager. */
export const aws: Provider = {
  label: 'AWS/SecretsManager',
  traits: {
    lookup: 'literal-then-path',
    absentProperty: 'error',
    extract: 'raw',
    findConvertsFirst: false,
  },
  parse: parseAws,
  endpoints: (config, env = {}) => {
    const place = placeOf(config as AwsConfig, env);
    return place === undefined ? [] : [place.endpoint, place.stsEndpoint];
  },
  endpointAt: (config) => (config as AwsConfig).endpointAt,
  open: async (store, context) => {
    const config = store.config as AwsConfig;
    const place = placeOf(config, context.identity.env);
    if (place === undefined) {
      throw new AgentError('SpecInvalid', 'nothing says the AWS region of this store', {
        at: config.at,
        remedy: 'set region in the spec, or AWS_REGION in the environment of the agent',
      });
    }
    const { openSecretsManager } = await import('./aws-secrets-manager.ts');
    return await openSecretsManager({ store, config, place, context });
  },
};
