import { GuestpassError } from '../../domain/errors.ts'
import { type Call, openCall, type Policy } from '../../policy/pipeline.ts'
import { sendAndRead, type Network } from '../answer.ts'
import { type CrmProfile, profileAnswer, profileOf, profileRequest } from './wire.ts'

export interface Crm {
  /** What the CRM knows of the address; undefined when it knows nothing. Rejects as any call does. */
  profile(email: string): Promise<CrmProfile | undefined>
}

/** The CRM of an organisation, which has limits and troubles of its own: `policy` shares nothing with those of other calls. */
export function crm(
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
      const call = openCall({ connection, operation: 'crm-profile', lane: 'crm', repeatable: true })
      try {
        return await policy(attempt(email))(call)
      } catch (thrown) {
        if (thrown instanceof GuestpassError && thrown.upstream?.status === 404) return undefined
        throw thrown
      }
    },
  }
}
