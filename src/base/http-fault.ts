import { AgentError } from './errors.ts';

const caRemedy =
  'give the CA that signed its certificate, as caBundle or caProvider of the store or with --ca-file';

/** The codes of both parsers begin so. */
const notHttp = 'HPE_';

const invalidHeader: readonly string[] = [
  'ERR_INVALID_CHAR',
  'ERR_INVALID_HTTP_TOKEN',
  'UND_ERR_INVALID_ARG',
];

interface Fault {
  readonly message: string;
  readonly remedy: string;
}

/** What a transport's error code means, told with the host. Codes of Node (system, OpenSSL, TLS, HTTP parser)
 * and, behind a proxy, of undici. */
function faultOf(code: string, host: string): Fault | undefined {
  switch (code) {
    case 'ECONNREFUSED':
      return {
        message: `${host} refuses the connection`,
        remedy: 'check that the server runs and listens on that port',
      };
    case 'ECONNRESET':
    case 'EPIPE':
    case 'UND_ERR_SOCKET':
      return {
        message: `${host} closed the connection before it answered`,
        remedy: 'check the server, and any proxy or mesh before it',
      };
    case 'ENOTFOUND':
    case 'EAI_NODATA':
    case 'EAI_NONAME':
      return {
        message: `the name ${host} does not resolve`,
        remedy: 'check the host name, and the DNS policy of the pod',
      };
    case 'EAI_AGAIN':
      return {
        message: `DNS does not answer for ${host}`,
        remedy: 'check that the pod may reach its DNS server',
      };
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EADDRNOTAVAIL':
      return { message: `there is no route to ${host}`, remedy: 'check network policies and egress rules' };
    case 'EACCES':
    case 'EPERM':
      return {
        message: `this pod may not connect to ${host}`,
        remedy: 'check network policies and the security profile',
      };
    case 'ETIMEDOUT':
    case 'UND_ERR_CONNECT_TIMEOUT':
      return {
        message: `connecting to ${host} timed out`,
        remedy: 'check network policies, egress rules and the port',
      };
    case 'LINK_LOCAL':
      return {
        message: `${host} is a link-local or metadata address`,
        remedy: 'name the store by its own address',
      };
    default:
      return tlsFaultOf(code, host) ?? protocolFaultOf(code, host);
  }
}

function tlsFaultOf(code: string, host: string): Fault | undefined {
  switch (code) {
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'CERT_UNTRUSTED':
    case 'CERT_SIGNATURE_FAILURE':
    case 'INVALID_CA':
      return {
        message: `the certificate of ${host} is signed by an authority that is not trusted here`,
        remedy: caRemedy,
      };
    case 'CERT_HAS_EXPIRED':
      return {
        message: `the certificate of ${host}, or one in its chain, has expired`,
        remedy: 'renew it, or check the clock of the node',
      };
    case 'CERT_NOT_YET_VALID':
      return {
        message: `the certificate of ${host} is not valid yet`,
        remedy: 'check the clocks of the node and of the server',
      };
    case 'INVALID_PURPOSE':
      return {
        message: `the certificate of ${host} is not one for servers`,
        remedy: 'issue it with the usage digitalSignature and serverAuth',
      };
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return {
        message: `the certificate of ${host} is for other names`,
        remedy: 'address the server by a name that its certificate holds',
      };
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
    case 'EPROTO':
      return {
        message: `${host} does not speak TLS`,
        remedy: 'check the port, and whether the server wants http instead of https',
      };
    default:
      if (!/^(ERR_SSL_|ERR_TLS_|CERT_)/.test(code)) return undefined;
      return {
        message: `the TLS handshake with ${host} failed: ${code}`,
        remedy: 'check the TLS versions and whether the server asks for a client certificate',
      };
  }
}

function protocolFaultOf(code: string, host: string): Fault | undefined {
  if (code.startsWith(notHttp)) {
    return {
      message: `${host} answers with something that is not HTTP`,
      remedy: 'check the port of the URL',
    };
  }
  return undefined;
}

/**
 * A transport's error as Unavailable. The message is made from the error's code and the host alone: the
 * texts of libraries may hold addresses, paths and header values, and differ from time to time.
 */
export function httpFault(thrown: unknown, host: string, proxy: string | undefined): AgentError {
  if (thrown instanceof AgentError) return thrown;
  const through = proxy === undefined ? '' : ` through the proxy ${proxy}`;
  const status = proxy === undefined ? undefined : tunnelStatusOf(thrown);
  if (status !== undefined) {
    const remedy =
      status === 407
        ? 'put the credentials into the URL of --proxy'
        : 'check that the proxy lets this host pass';
    return new AgentError('Unavailable', `the proxy ${proxy} answers ${status} for ${host}`, {
      remedy,
      cause: thrown,
    });
  }
  const code = codeOf(thrown);
  if (invalidHeader.includes(code)) {
    return new AgentError(
      'SpecInvalid',
      `a request to ${host} would hold a header that HTTP does not allow`,
      {
        remedy: 'check tokens and headers for line breaks and other control characters',
      },
    );
  }
  const fault = faultOf(code, host);
  const message = fault?.message ?? `the request to ${host} failed: ${code}`;
  const remedy = fault?.remedy ?? 'check the server and the network between';
  // A parser error holds what the server sent, which may be a secret: it goes no further.
  return new AgentError(
    'Unavailable',
    `${message}${through}`,
    code.startsWith(notHttp) ? { remedy } : { remedy, cause: thrown },
  );
}

/** What a proxy answered to CONNECT instead of 200. Undici tells it in the message alone. */
function tunnelStatusOf(thrown: unknown): number | undefined {
  const told = /Proxy response \((\d+)\)|Proxy Authentication Required \((407)\)/;
  const [, status, refused] = told.exec(thrown instanceof Error ? thrown.message : '') ?? [];
  return status === undefined && refused === undefined ? undefined : Number(status ?? refused);
}

/** The innermost code: a dual-stack connect fails with one AggregateError, undici wraps socket errors. */
function codeOf(thrown: unknown): string {
  for (let error = thrown, depth = 0; error instanceof Error && depth < 4; error = inner(error), depth++) {
    const { code } = error as { code?: unknown };
    const wraps = code === 'UND_ERR_SOCKET' && inner(error) instanceof Error;
    if (typeof code === 'string' && !wraps) return code;
  }
  return 'unknown error';
}

function inner(error: Error): unknown {
  return error instanceof AggregateError ? error.errors[0] : error.cause;
}
