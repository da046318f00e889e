import { AgentError, type At } from '../base/errors.ts';
import { claimsOf, type TokenClaims } from '../identity/token.ts';
import type { Credential } from './vault-auth.ts';
import { type FaultContext, outageOf, quoted } from './vault-fault.ts';
import type { VaultAnswer } from './vault-wire.ts';

export type Login = Extract<Credential, { kind: 'login' }>;

interface Refusal {
  /** What Vault says, in words of its own version or ours. */
  readonly says: RegExp;
  readonly why: (login: Login, claims: TokenClaims | undefined) => string;
  readonly remedy: (login: Login, claims: TokenClaims | undefined) => string;
  /** Vault knows who we are and does not let us have the role. */
  readonly denied?: true;
}

const auth = (login: Login) => `auth/${login.mount}`;
const roleOf = (login: Login) => `${auth(login)}/role/${login.role}`;
const audiencesOf = (claims: TokenClaims | undefined) => claims?.audiences.join(', ') || '(none)';
const subjectOf = (claims: TokenClaims | undefined) => claims?.subject || '(none)';

/** Texts of Vault 1.9 to 1.21 and OpenBao, most telling first. */
const refusals: readonly Refusal[] = [
  {
    says: /invalid role name|role .* could not be found|role .* not found/i,
    why: (login) => `it has no role ${login.role}`,
    remedy: (login) => `create it: ${writeRole(login)}; or correct the role in the store`,
  },
  {
    says: /missing role|role (name )?(is )?(missing|required)/i,
    why: () => 'the store names no role and the mount has no default role',
    remedy: (login) => `set auth.${login.method}.role in the store`,
  },
  {
    says: /no audiences bound to the role/i,
    why: (login, claims) =>
      `its role ${login.role} binds no audience, and the token is for audience ${audiencesOf(claims)}`,
    remedy: (login, claims) =>
      `vault write ${roleOf(login)} bound_audiences=${claims?.audiences[0] ?? 'vault'}`,
  },
  {
    says: /audience/i,
    why: (login, claims) =>
      `its role ${login.role} expects another audience than the token's, which is ${audiencesOf(claims)}`,
    remedy: (login, claims) =>
      `vault write ${roleOf(login)} ${login.method === 'jwt' ? 'bound_audiences' : 'audience'}=${claims?.audiences[0] ?? 'vault'}, ` +
      "or name the role's audience in serviceAccountRef.audiences and in the pod's annotation agent.external-secrets.io/audiences",
  },
  {
    says: /service account name not authorized/i,
    why: (login, claims) =>
      `its role ${login.role} does not allow service account ${claims?.serviceAccount ?? '(unknown)'}`,
    remedy: (login, claims) =>
      `vault write ${roleOf(login)} bound_service_account_names=${claims?.serviceAccount ?? 'NAME'}`,
    denied: true,
  },
  {
    says: /namespace not authorized/i,
    why: (login, claims) =>
      `its role ${login.role} does not allow namespace ${claims?.namespace ?? '(unknown)'}`,
    remedy: (login, claims) =>
      `vault write ${roleOf(login)} bound_service_account_namespaces=${claims?.namespace ?? 'NAMESPACE'}`,
    denied: true,
  },
  {
    says: /validating claims|bound claim/i,
    why: (login) => `the token lacks a claim that its role ${login.role} is bound to`,
    remedy: (login) => `correct bound_claims of ${roleOf(login)}`,
    denied: true,
  },
  {
    says: /\(sub\)|invalid subject/i,
    why: (login, claims) =>
      `its role ${login.role} is bound to another subject than the token's, which is ${subjectOf(claims)}`,
    remedy: (login, claims) => `vault write ${roleOf(login)} bound_subject=${subjectOf(claims)}`,
    denied: true,
  },
  {
    says: /expired|\(exp\)/i,
    why: () => 'the token has expired',
    remedy: () => 'check that the projected token is rotated on disk, and the clocks of node and Vault',
  },
  {
    says: /not yet valid|\((nbf|iat)\)/i,
    why: () => 'the token is not valid yet',
    remedy: () => 'check the clocks of node and Vault',
  },
  {
    says: /signature|no known key|failed to verify|unable to validate/i,
    why: () => "it cannot verify the token's signature",
    remedy: (login, claims) =>
      `let ${auth(login)}/config hold the keys of issuer ${claims?.issuer || '(none)'} (oidc_discovery_url, jwks_url or jwt_validation_pubkeys)`,
  },
  {
    says: /issuer|\(iss\)/i,
    why: (_, claims) => `it expects another issuer than the token's, which is ${claims?.issuer || '(none)'}`,
    remedy: (login, claims) => `vault write ${auth(login)}/config bound_issuer=${claims?.issuer || 'ISSUER'}`,
  },
  {
    says: /could not load (backend )?configuration|not configured|could not load config/i,
    why: (login) => `${auth(login)} is enabled but not configured`,
    remedy: (login) => `write ${auth(login)}/config`,
  },
  {
    says: /service account unauthorized|lookup failed/i,
    why: () => 'the API server no longer knows the token, as after its pod or account was made anew',
    remedy: () => 'check that the projected token belongs to a running pod',
  },
  {
    says: /invalid role or secret ID|invalid secret id|invalid role ID/i,
    why: () => 'role id or secret id are wrong, used up or expired',
    remedy: (login) => `issue a new secret id at ${auth(login)} and update the Secret`,
  },
  {
    says: /invalid username or password/i,
    why: (login) => `the password of user ${login.role} is wrong, or there is no such user`,
    remedy: () => 'correct the username in the store or the password in the Secret',
  },
  {
    says: /no handler for route|unsupported path/i,
    why: (login) => `nothing is enabled at ${auth(login)}`,
    remedy: (login) =>
      `correct the mount in the store, or run vault auth enable -path=${login.mount} ${kindOf(login)}`,
  },
];

/** Why a login was refused, and the change that lets it in. AuthFailed, or Denied where Vault knows us. */
export function loginFault(
  answer: VaultAnswer,
  login: Login,
  place: { readonly host: string; readonly at: At } & FaultContext,
): AgentError {
  const outage = outageOf(answer, place.host, place);
  if (outage !== undefined) return outage;
  const claims = login.jwt && claimsOf(login.jwt);
  const what = `Vault at ${place.host} refuses the ${login.method} login at ${auth(login)}`;
  const said = answer.errors.join('; ');
  const refusal = refusals.find(({ says }) => says.test(said));
  if (refusal !== undefined) {
    const message = `${what}: ${refusal.why(login, claims)}`;
    const remedy = refusal.remedy(login, claims);
    return new AgentError(refusal.denied ? 'Denied' : 'AuthFailed', message, { at: place.at, remedy });
  }
  return new AgentError('AuthFailed', `${what} (${answer.status})${quoted(answer, place.sent)}`, {
    at: place.at,
    remedy: generalRemedy(login, claims),
  });
}

/** A bare "permission denied" stands for several things; Vault tells which in its own log only. */
function generalRemedy(login: Login, claims: TokenClaims | undefined): string {
  const enabled = `check that ${kindOf(login)} is enabled at ${auth(login)}`;
  if (login.method !== 'kubernetes') return `${enabled}, and Vault's log for the reason`;
  return (
    `${enabled}, that Vault may review tokens (system:auth-delegator), and that ${roleOf(login)} accepts ` +
    `the token: audience ${audiencesOf(claims)}, subject ${subjectOf(claims)}`
  );
}

function kindOf(login: Login): string {
  return login.method.toLowerCase();
}

function writeRole(login: Login): string {
  const claims = login.jwt && claimsOf(login.jwt);
  const audience = claims?.audiences[0] ?? 'vault';
  if (login.method === 'kubernetes') {
    return (
      `vault write ${roleOf(login)} bound_service_account_names=${claims?.serviceAccount ?? 'NAME'} ` +
      `bound_service_account_namespaces=${claims?.namespace ?? 'NAMESPACE'} audience=${audience} token_policies=POLICY`
    );
  }
  return (
    `vault write ${roleOf(login)} role_type=jwt user_claim=sub bound_audiences=${audience} ` +
    `bound_subject=${subjectOf(claims)} token_policies=POLICY`
  );
}
