import type { Admission } from '../src/inject/admit.ts';
import type { InjectSettings } from '../src/inject/options.ts';
import { Turns } from '../src/inject/turns.ts';
import type { Config } from './config.ts';
import { specFindings } from './spec-findings.ts';
import { version } from './version.ts';

/** By what `inject` and `injector` decide: it is the same, so that what one prints is what the other does. */
export function admissionOf(config: Config): Admission {
  return {
    settings: injectSettings(config),
    checkSpecs: (files, namespace) => specFindings(files, namespace, config),
    turns: new Turns(),
  };
}

/** What the flags say of every pod. */
function injectSettings(config: Config): InjectSettings {
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
