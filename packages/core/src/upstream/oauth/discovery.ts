import { allowInsecureRequests, customFetch, discoveryRequest, processDiscoveryResponse } from 'oauth4webapi'
import { GuestpassError } from '../../domain/errors.ts'
import { DocumentFault } from '../../mirror/document-fault.ts'
import { createMirroredDocument } from '../../mirror/mirrored-document.ts'
import type { MirrorOptions } from '../../mirror/options.ts'
import type { Http, HttpAnswer, HttpRequest } from '../../ports/http.ts'
import type { InsecureHosts } from '../address.ts'
import { quoted } from './sign-in-checks.ts'
import { type ServerMetadata, serverDocument } from './server-metadata.ts'

interface DiscoveryOptions extends Omit<MirrorOptions, 'url'> {
  /** The issuer, as it was given. */
  readonly issuer: string
  readonly insecureHosts?: InsecureHosts
}

/**
 * The reason of errors that mean: the discovery document could not be fetched, so that nothing else was sent.
 */
const DISCOVERY = 'discovery'

/** The document names another issuer than the one that was requested. */
class ForeignIssuer extends DocumentFault {}

/**
 * Creates a reader of an issuer's discovery document, at the address of OpenID Connect Discovery 1.0, else at
 * that of RFC 8414. Nothing is sent before the first call. The document is cached, and is used during an
 * outage. The reader rejects with `upstream_unavailable`, reason `discovery`, if the document cannot be
 * fetched, and with `config_invalid` if it names another issuer.
 */
export function createDiscovery({
  issuer,
  insecureHosts = [],
  ...options
}: DiscoveryOptions): () => Promise<ServerMetadata> {
  const http = discovering(issuer, options.http)
  // The mirror is named by the issuer: requests find out which of the two places has the document.
  const mirror = createMirroredDocument(serverDocument(insecureHosts), { ...options, url: issuer, http })
  return async () => {
    try {
      return await mirror.current()
    } catch (thrown) {
      const { cause, code, message, retryAt, upstream } = thrown as GuestpassError
      const facts = { ...(retryAt === undefined ? {} : { retryAt }), ...(upstream ? { upstream } : {}), cause: thrown }
      if (!(cause instanceof ForeignIssuer)) throw new GuestpassError(code, message, { ...facts, reason: DISCOVERY })
      const remedy = 'Write the issuer as its discovery document does'
      const field = { field: 'hosts.issuer', message: cause.message, remedy }
      throw new GuestpassError('config_invalid', `\`hosts.issuer\` cannot be used: ${cause.message}. ${remedy}.`, {
        fields: [field],
        cause: thrown,
      })
    }
  }
}

/** Sends requests for the issuer to the address of OpenID Connect Discovery, then to that of RFC 8414. */
const discovering =
  (issuer: string, http: Http): Http =>
  async (request, signal) => {
    const first = await asked(issuer, 'oidc', request, http, signal)
    if (!isAbsent(first)) return first
    const second = await asked(issuer, 'oauth2', request, http, signal)
    if (!isAbsent(second)) return second
    const { status } = first
    throw new DocumentFault(`it answered ${status} in both places of a discovery document`, { upstream: { status } })
  }

/** Whether a status means that there is no document. 408 and 429 do not. */
const isAbsent = ({ status }: HttpAnswer): boolean => status >= 400 && status < 500 && status !== 408 && status !== 429

async function asked(
  issuer: string,
  algorithm: 'oidc' | 'oauth2',
  request: HttpRequest,
  http: Http,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  let answer: HttpAnswer | undefined
  const send = async (url: string): Promise<Response> => {
    answer = await http({ ...request, url }, signal)
    return jsonResponse(answer)
  }
  // Which addresses may be plain http was judged when they were given.
  const options = { algorithm, [customFetch]: send, [allowInsecureRequests]: true }
  const response = await discoveryRequest(new URL(issuer), options)
  if (response.status === 200) {
    await processDiscoveryResponse(new URL(issuer), response).catch((thrown: unknown) => {
      throw foreign(thrown, issuer) ?? new DocumentFault('its answer is no discovery document', facts(thrown))
    })
  }
  return answer as HttpAnswer
}

const facts = (cause: unknown): { readonly upstream: { readonly status: number }; readonly cause: unknown } => ({
  upstream: { status: 200 },
  cause,
})

/** The answer as JSON, whatever its content type. */
const jsonResponse = ({ status, bytes }: HttpAnswer): Response => {
  const isBodiless = status === 204 || status === 205 || status === 304
  return new Response(isBodiless ? null : new Uint8Array(bytes), {
    status: status < 200 ? 500 : status,
    headers: { 'content-type': 'application/json' },
  })
}

function foreign(thrown: unknown, issuer: string): ForeignIssuer | undefined {
  const { attribute, body } = ((thrown as Error).cause ?? {}) as {
    readonly attribute?: string
    readonly body?: { readonly issuer?: unknown }
  }
  if (attribute !== 'issuer') return undefined
  return new ForeignIssuer(
    `the discovery document of ${quoted(issuer)} is of another issuer, ${quoted(body?.issuer)}`,
    facts(thrown),
  )
}
