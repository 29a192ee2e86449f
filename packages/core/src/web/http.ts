import { callable, checkOptions } from '../domain/options.ts'
import { readAtMost } from '../ports/bounded-bytes.ts'
import { type Http, HttpFault, type HttpRequest, MAX_ANSWER_BYTES } from '../ports/http.ts'
import { type Fetch, systemFetch } from '../ports/system.ts'

/**
 * The HTTP port of browsers, workers and any runtime with `fetch`. A page does not learn why a request failed: whatever got no answer may
 * have been seen by the peer, and counts as lost; `onSend` is called before it connects. Redirects are not followed, and a browser does not
 * show where they lead.
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

/** What the platform refuses to build was not sent. Its own words are not kept: they repeat the header or the address, secrets and all. */
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

/** Without the content coding, which `fetch` has undone. */
function headersOf(headers: Headers): Record<string, string> {
  const { 'content-encoding': _, ...others } = Object.fromEntries(headers)
  return others
}

async function read({ body }: Response): Promise<Uint8Array> {
  const bytes = await readAtMost(body, MAX_ANSWER_BYTES)
  if (bytes) return bytes
  throw new HttpFault('oversized', `the answer is over ${MAX_ANSWER_BYTES} bytes`)
}
