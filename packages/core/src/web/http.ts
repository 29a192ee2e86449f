import { callable, checkOptions } from '../domain/options.ts'
import { readAtMost } from '../ports/bounded-bytes.ts'
import { type Http, HttpFault, type HttpRequest, MAX_ANSWER_BYTES } from '../ports/http.ts'
import { type Fetch, systemFetch } from '../ports/system.ts'

/**
 * Makes the HTTP port of browsers, workers and any runtime with `fetch`. A page does not learn why a request
 * failed, so that every request without an answer counts as `lost`: the peer may have received it. Redirects
 * are not followed.
 *
 * @param fetch default: the `fetch` of the runtime
 *
 * Throws `config_invalid` for an argument that is not a function.
 *
 * @example
 * ```ts
 * import { webHttp } from '@guestpass/core/web'
 *
 * const http = webHttp(async () => new Response('{}'))
 * const request = { method: 'GET', url: 'https://api.example.com/', headers: {}, secrets: [] } as const
 * console.log((await http(request, new AbortController().signal)).status)
 * ```
 */
export function webHttp(fetch: Fetch = systemFetch): Http {
  checkOptions('webHttp', ['fetch', fetch, callable('Give a fetch, or leave it out.')])
  const send = fetch
  return async (request, signal) => {
    signal.throwIfAborted()
    const ready = requestOf(request, signal)
    request.onSend?.()
    try {
      const answer = await send(ready)
      if (answer.type === 'opaqueredirect') throw new HttpFault('lost', 'the answer is a redirect')
      return { status: answer.status, headers: headersOf(answer.headers), bytes: await read(answer) }
    } catch (thrown) {
      if (signal.aborted) throw signal.reason
      if (thrown instanceof HttpFault) throw thrown
      throw new HttpFault('lost', thrown instanceof Error ? thrown.message : String(thrown))
    }
  }
}

/**
 * A request that the platform refuses to build was not sent. Its message is dropped, because it repeats
 * headers and secrets.
 */
function requestOf({ method, url, headers, body }: HttpRequest, signal: AbortSignal): Request {
  try {
    const { protocol, href } = new URL(url)
    if (protocol !== 'https:' && protocol !== 'http:') throw new TypeError('no address of HTTP')
    return new Request(href, {
      method,
      headers,
      signal,
      redirect: 'manual',
      credentials: 'omit',
      cache: 'no-store',
      ...(body === undefined ? {} : { body }),
    })
  } catch {
    throw new HttpFault('unsent', 'the address or a header of the request is not one that can be sent')
  }
}

/** The headers without the content coding, which `fetch` has decoded. */
function headersOf(headers: Headers): Record<string, string> {
  const { 'content-encoding': _, ...others } = Object.fromEntries(headers)
  return others
}

async function read({ body }: Response): Promise<Uint8Array> {
  const bytes = await readAtMost(body, MAX_ANSWER_BYTES)
  if (bytes) return bytes
  throw new HttpFault('oversized', `the answer is over ${MAX_ANSWER_BYTES} bytes`)
}
