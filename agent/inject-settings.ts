import type { InjectSettings } from '../src/inject/options.ts';
import type { Config } from './config.ts';
import { version } from './version.ts';

/** What the flags of `inject` and `injector` say of every pod. */
export function injectSettings(config: Config): InjectSettings {
  const { image, imagePullPolicy, imagesAllow, native, size, resources } = config;
  const { audiences, tokenTtl, storesAllow, proxy } = config;
  return {
    version,
    image: image ?? `external-secrets-agent:${version}`,
    imagePullPolicy,
    imagesAllow,
    native,
    size,
    resources,
    audiences,
    tokenTtlMs: tokenTtl,
    storesAllow,
    proxy,
  };
}
