import type * as z from 'zod/mini'
import type { Secret } from '../domain/secret.ts'
import { openCall, type Policy } from '../policy/pipeline.ts'
import type { HttpRequest } from '../ports/http.ts'
import { exchange, type Explain, type Network, type Receipt } from './answer.ts'
import { once } from './once.ts'

/** A call that must not be sent twice: what is sent with the access token, and how the answer is read. */
export interface Single<S extends z.ZodMiniType, T> {
  readonly operation: string
  readonly request: (bearer: Secret) => HttpRequest
  readonly answer: S
  readonly read: (body: z.output<S>, receipt: Receipt) => T
  readonly explain: Explain
  /** Called just before each try is sent. */
  readonly onSend: () => void
}

/** Makes such calls of one connection; `write` brings the access token (`call.bearer`). */
export const sentOnce =
  (connection: string, write: Policy, network: Network) =>
  <S extends z.ZodMiniType, T>({ operation, request, answer, read, explain, onSend }: Single<S, T>): Promise<T> =>
    once(
      write,
      async (call): Promise<T> => {
        onSend()
        const { body, receipt } = await exchange(network, request(call.bearer as Secret), answer, call, explain)
        return read(body, receipt)
      },
      openCall({ connection, operation, lane: 'api', repeatable: false }),
    )
