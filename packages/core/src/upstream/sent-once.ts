import type { Secret } from '../domain/secret.ts'
import type { Millis } from '../domain/time.ts'
import { openCall, type Policy } from '../policy/pipeline.ts'
import type { HttpRequest } from '../ports/http.ts'
import type { Reader } from './body.ts'
import { exchange, type Explain, type Network, type Receipt } from './answer.ts'
import { once } from './once.ts'
import type { Sending } from './sending.ts'

/** A call that must not be sent twice: what is sent with the access token, and how the answer is read. */
export interface Single<Body, T> {
  readonly operation: string
  readonly request: (bearer: Secret) => HttpRequest
  readonly answer: Reader<Body>
  readonly read: (body: Body, receipt: Receipt) => T
  readonly explain: Explain
  readonly sending: Sending
  /** How long the caller waits, in milliseconds. Default: as the policy says. */
  readonly patienceMs?: Millis | undefined
}

/** Makes such calls of one connection; `write` brings the access token (`call.bearer`). */
export const sentOnce =
  (connection: string, write: Policy, network: Network) =>
  <Body, T>({ operation, request, answer, read, explain, sending, patienceMs }: Single<Body, T>): Promise<T> =>
    once(
      write,
      async (call, onSend): Promise<T> => {
        const sent = { ...request(call.bearer as Secret), onSend }
        const { body, receipt } = await exchange(network, sent, answer, call, { explain, anyType: true })
        return read(body, receipt)
      },
      openCall({ connection, operation, lane: 'api', repeatable: false, patienceMs, failed: sending.failed }),
      sending,
    )
