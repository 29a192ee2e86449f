import type { Secret } from '../domain/secret.ts'
import type { Millis } from '../domain/time.ts'
import { openCall, type Policy } from '../policy/pipeline.ts'
import type { HttpRequest } from '../ports/http.ts'
import type { Reader } from './body.ts'
import { sendAndRead, type Explain, type Network, type AnswerFacts } from './answer.ts'
import { runNonIdempotent } from './non-idempotent-call.ts'
import type { TryHooks } from './try-hooks.ts'

/** A call that must not be sent twice: its request, and how its answer is read. */
interface WriteCall<Body, T> {
  readonly operation: string
  readonly request: (bearer: Secret) => HttpRequest
  readonly answer: Reader<Body>
  readonly read: (body: Body, receipt: AnswerFacts) => T
  readonly explain: Explain
  readonly hooks: TryHooks
  /** How long the caller waits, in milliseconds. Default: as the policy says. */
  readonly patienceMs?: Millis | undefined
}

/**
 * Creates a function that makes such calls for one connection. `write`: the policy, which brings the access
 * token as `call.bearer`.
 */
export const createWriteCalls =
  (connection: string, write: Policy, network: Network) =>
  <Body, T>({ operation, request, answer, read, explain, hooks, patienceMs }: WriteCall<Body, T>): Promise<T> =>
    runNonIdempotent(
      write,
      async (call, onSend): Promise<T> => {
        const sent = { ...request(call.bearer as Secret), onSend }
        const { body, receipt } = await sendAndRead(network, sent, answer, call, { explain, anyType: true })
        return read(body, receipt)
      },
      openCall({
        connection,
        operation,
        rateLimitKey: 'api',
        repeatable: false,
        patienceMs,
        onFailedTry: hooks.onFailedTry,
      }),
      hooks,
    )
