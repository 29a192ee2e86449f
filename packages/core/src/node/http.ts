import { Agent, type Dispatcher, EnvHttpProxyAgent } from 'undici'
import { type Http, HttpFault, MAX_ANSWER_BYTES } from '../ports/http.ts'

/** Failures of which it is certain that the peer saw nothing of the request. */
const UNSENT = new Set([
  'ENOTFOUND',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'ERR_INVALID_URL',
  'UND_ERR_INVALID_ARG',
])

export interface NodeHttpOptions {
  /** Connections kept open for each host. Default 64. */
  readonly connections?: number
  /** Goes through the proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY name. Default true. */
  readonly proxy?: boolean
}

/** The HTTP port of Node: undici with connections kept open. `close` ends them. */
export function nodeHttp(options: NodeHttpOptions = {}): { readonly http: Http; close(): Promise<void> } {
  const { connections = 64, proxy = true } = options
  return undiciHttp(proxy ? new EnvHttpProxyAgent({ connections }) : new Agent({ connections }))
}

/** The HTTP port on a dispatcher of undici. */
export function undiciHttp(agent: Dispatcher): { readonly http: Http; close(): Promise<void> } {
  return {
    async http({ method, url, headers, body }, signal) {
      try {
        const { origin, pathname, search } = new URL(url)
        const answer = await agent.request({
          origin,
          path: pathname + search,
          method,
          headers,
          body: body ?? null,
          signal,
        })
        return { status: answer.statusCode, headers: flat(answer.headers), bytes: await read(answer.body) }
      } catch (thrown) {
        if (signal.aborted) throw signal.reason
        throw thrown instanceof HttpFault ? thrown : faultOf(thrown)
      }
    },
    close: () => agent.close(),
  }
}

async function read(body: Dispatcher.ResponseData['body']): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of body as AsyncIterable<Uint8Array>) {
    size += part.byteLength
    if (size > MAX_ANSWER_BYTES) {
      body.destroy()
      throw new HttpFault('oversized', `the answer is over ${MAX_ANSWER_BYTES} bytes`)
    }
    parts.push(part)
  }
  return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts)
}

const flat = (headers: Record<string, string | string[] | undefined>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]),
  )

/**
 * The innermost reason, in its own words: the code says whether anything was sent. The error itself is not kept as a cause,
 * because a parser puts what it could not read into it.
 */
function faultOf(thrown: unknown): HttpFault {
  const error = innermost(thrown)
  const code = (error as { code?: string }).code ?? ''
  const unsent = UNSENT.has(code) || /^(ERR_TLS|CERT_|ERR_SSL|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/.test(code)
  const said = error instanceof Error ? error.message : String(error)
  return new HttpFault(unsent ? 'unsent' : 'lost', code === '' || said.includes(code) ? said : `${code}: ${said}`)
}

function innermost(thrown: unknown): unknown {
  if (thrown instanceof AggregateError && thrown.errors.length > 0) return innermost(thrown.errors[0])
  return thrown instanceof Error && thrown.cause instanceof Error ? innermost(thrown.cause) : thrown
}
