import type { Dispatcher } from 'undici'
import { type HttpAnswer, HttpFault, MAX_ANSWER_BYTES } from '../ports/http.ts'
import { faultOf } from './fault.ts'

type Headers = Record<string, string | string[] | undefined>

/** One request on its way. */
interface Exchange {
  readonly signal: AbortSignal
  readonly onSend: () => void
  readonly resolve: (answer: HttpAnswer) => void
  readonly reject: (reason: unknown) => void
  /** The listener of the signal. */
  readonly abort: () => void
  /** Known from the moment before the first byte is written. */
  controller: Dispatcher.DispatchController | undefined
  isDone: boolean
  status: number
  headers: Headers
  size: number
  readonly chunks: Uint8Array[]
}

/**
 * Sends one request over a dispatcher and reads its answer. `onSend` is called when the connection is made
 * and nothing is written; its error keeps the request from being sent. A failure before is `unsent`, a
 * failure after it is `lost`.
 */
export const sendRequest = (
  dispatcher: Dispatcher,
  options: Dispatcher.DispatchOptions,
  signal: AbortSignal,
  onSend: () => void = () => {},
): Promise<HttpAnswer> =>
  new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error)
    const exchange: Exchange = {
      signal,
      onSend,
      resolve,
      reject,
      abort: () => fail(exchange, signal.reason),
      controller: undefined,
      isDone: false,
      status: 0,
      headers: {},
      size: 0,
      chunks: [],
    }
    signal.addEventListener('abort', exchange.abort)
    dispatcher.dispatch(options, handlerOf(exchange))
  })

const handlerOf = (exchange: Exchange): Dispatcher.DispatchHandler => ({
  onRequestStart: (controller) => start(exchange, controller),
  onResponseStart(_, statusCode, received) {
    // Not an answer yet (RFC 9110, 15.2).
    if (statusCode < 200) return
    exchange.status = statusCode
    exchange.headers = received
  },
  onResponseData(_, chunk) {
    exchange.size += chunk.byteLength
    if (exchange.size > MAX_ANSWER_BYTES)
      fail(exchange, new HttpFault('oversized', `the answer is over ${MAX_ANSWER_BYTES} bytes`))
    else exchange.chunks.push(chunk)
  },
  onResponseEnd: () => finish(exchange),
  onResponseError: (_, error) => fail(exchange, faultOf(error, exchange.controller ? 'lost' : 'unsent')),
})

/** An error of this function keeps undici from writing anything; the connection stays open. */
function start(exchange: Exchange, controller: Dispatcher.DispatchController): void {
  if (exchange.controller) throw new HttpFault('lost', 'the connection broke, and it is not sent twice')
  if (exchange.isDone) throw new HttpFault('unsent', 'given up before it was sent')
  try {
    exchange.onSend()
  } catch (thrown) {
    fail(exchange, thrown)
  }
  if (exchange.isDone) throw new HttpFault('unsent', 'held back before it was sent')
  exchange.controller = controller
}

function end(exchange: Exchange): void {
  exchange.isDone = true
  exchange.signal.removeEventListener('abort', exchange.abort)
}

function fail(exchange: Exchange, reason: unknown): void {
  if (exchange.isDone) return
  end(exchange)
  exchange.reject(reason)
  exchange.controller?.abort(reason as Error)
}

function finish(exchange: Exchange): void {
  if (exchange.isDone) return
  end(exchange)
  const { status, headers, chunks } = exchange
  const bytes = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)
  exchange.resolve({ status, headers: singleValues(headers), bytes })
}

const singleValues = (headers: Headers): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]),
  )
