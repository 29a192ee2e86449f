import type { Dispatcher } from 'undici'
import { type HttpAnswer, HttpFault, MAX_ANSWER_BYTES } from '../ports/http.ts'
import { faultOf } from './fault.ts'

type Headers = Record<string, string | string[] | undefined>

/**
 * Sends one request over a dispatcher and reads its answer. `onSend` is called when the connection stands and nothing has been written;
 * what it throws is what this rejects with. What fails before is `unsent`, what fails after is `lost`.
 */
export const dispatched = (
  dispatcher: Dispatcher,
  options: Dispatcher.DispatchOptions,
  signal: AbortSignal,
  onSend: () => void = () => {},
): Promise<HttpAnswer> =>
  new Promise((resolve, reject) => {
    let controller: Dispatcher.DispatchController | undefined
    let isDone = false
    let status = 0
    let headers: Headers = {}
    let size = 0
    const parts: Uint8Array[] = []

    const end = (): void => {
      isDone = true
      signal.removeEventListener('abort', stop)
    }
    const fail = (reason: unknown): void => {
      if (isDone) return
      end()
      reject(reason)
      controller?.abort(reason as Error)
    }
    const stop = (): void => fail(signal.reason)

    /** What this throws keeps undici from writing anything; the connection stays. */
    const start = (one: Dispatcher.DispatchController): void => {
      if (controller) throw new HttpFault('lost', 'the connection broke, and it is not sent twice')
      if (isDone) throw new HttpFault('unsent', 'given up before it was sent')
      try {
        onSend()
      } catch (thrown) {
        fail(thrown)
      }
      if (isDone) throw new HttpFault('unsent', 'held back before it was sent')
      controller = one
    }

    if (signal.aborted) return reject(signal.reason as Error)
    signal.addEventListener('abort', stop)
    dispatcher.dispatch(options, {
      onRequestStart: start,
      onResponseStart(_, statusCode, received) {
        // Not an answer yet (RFC 9110, 15.2).
        if (statusCode < 200) return
        status = statusCode
        headers = received
      },
      onResponseData(_, part) {
        size += part.byteLength
        if (size > MAX_ANSWER_BYTES) fail(new HttpFault('oversized', `the answer is over ${MAX_ANSWER_BYTES} bytes`))
        else parts.push(part)
      },
      onResponseEnd() {
        if (isDone) return
        end()
        resolve({
          status,
          headers: flat(headers),
          bytes: parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts),
        })
      },
      onResponseError(_, error) {
        fail(faultOf(error, controller ? 'lost' : 'unsent'))
      },
    })
  })

const flat = (headers: Headers): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]),
  )
