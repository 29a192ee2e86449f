import { GuestpassError } from '../../domain/errors.ts'
import { type Call, openCall, type Policy } from '../../policy/pipeline.ts'
import { sendAndRead, type Network } from '../answer.ts'
import { type CrmProfile, profileAnswer, profileOf, profileRequest } from './wire.ts'

/** The CRM of an organisation. */
export interface Crm {
  /** The profile of an address; undefined if the CRM has none. Rejects as any call does. */
  profile(email: string): Promise<CrmProfile | undefined>
}

/**
 * The calls of a CRM. `url`: the address below which `/profiles` is; its query is kept. `policy` shares no
 * limit and no circuit with the calls to the upstream.
 */
export function createCrm(
  { connection, url }: { readonly connection: string; readonly url: string },
  policy: Policy,
  network: Network,
): Crm {
  const attempt =
    (email: string) =>
    async (call: Call): Promise<CrmProfile | undefined> =>
      profileOf((await sendAndRead(network, profileRequest(url, email), profileAnswer, call)).body)
  return {
    async profile(email) {
      const call = openCall({ connection, operation: 'crm-profile', rateLimitKey: 'crm', repeatable: true })
      try {
        return await policy(attempt(email))(call)
      } catch (thrown) {
        if (thrown instanceof GuestpassError && thrown.upstream?.status === 404) return undefined
        throw thrown
      }
    },
  }
}
