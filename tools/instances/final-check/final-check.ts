import { setTimeout as sleep } from 'node:timers/promises'
import { serviceClient } from '@guestpass/client'
import type { Store } from '@guestpass/core'
import { storedEvents } from '../../crash-tests/stored-records.ts'
import { endpoints } from '../receiver.ts'
import { apiKeys, type Instances } from '../start-instances.ts'
import { acknowledged, openRequests } from '../traffic/answers.ts'
import type { Traffic } from '../traffic/traffic.ts'
import { CONNECTION, openStoreOf, readEvidence } from './evidence.ts'
import { type Report, reportOf } from './report.ts'
import { missingWebhooks } from './webhooks.ts'

/** What a run came to. */
export interface FinalCheck extends Report {
  readonly requests: number
  readonly acknowledged: number
  readonly unanswered: number
  /** Requests with an Idempotency-Key that have no answer yet. */
  readonly open: number
  /** Webhooks that were delivered, repeats included. */
  readonly webhooks: number
  /** Events that wait for their delivery. */
  readonly waiting: number
  /** What is wrong with the audit chain, by an instance and by the receivers of webhooks. */
  readonly chain: readonly string[]
  readonly chainLength: number
  /** Exit codes other than 0 of instances that were asked to stop. */
  readonly exits: readonly (number | null)[]
}

export interface FinalCheckOptions {
  /**
   * How long to wait for requests and webhooks that are open, in milliseconds: leases of dead instances end meanwhile.
   */
  readonly settleMs: number
  /** Resolves when no instance is paused any more. Default: none is. */
  readonly pauses?: Promise<unknown>
}

/**
 * Ends the traffic, lets what is open come to its end, stops the instances, and compares what was acknowledged with
 * what is there.
 */
export async function finalCheck(
  instances: Instances,
  traffic: Traffic,
  { settleMs, pauses }: FinalCheckOptions,
): Promise<FinalCheck> {
  const until = Date.now() + settleMs
  const { answers } = traffic
  const { store, close } = await openStoreOf(instances)
  const missing = async () => missingWebhooks(await storedEvents(store, CONNECTION), instances.receiver.received)
  try {
    await traffic.end()
    await Promise.all([pauses, traffic.settle(settleMs)])
    await Promise.all(instances.all.map((one) => one.isListening()))
    while ((await missing()).length > 0 && Date.now() < until) await sleep(500)
    const revocations = await revocationsThatDoNotHold(instances, traffic)
    const chain = await chainOf(instances)
    // Keepers work until then.
    const exits = await Promise.all(instances.all.map((one) => one.stop()))
    const report = reportOf(await readEvidence(instances, store, answers))
    const left = await missing()
    const waiting = await waitingWebhooks(store)
    return {
      ...report,
      lost: [
        ...report.lost,
        ...revocations,
        ...left.slice(waiting).map(({ endpoint, id }) => `${endpoint}: event ${id} was not delivered`),
      ],
      requests: answers.requests,
      acknowledged: acknowledged(answers),
      unanswered: answers.unanswered,
      open: openRequests(answers).length,
      webhooks: instances.receiver.received.length,
      waiting: left.length,
      chain: [...chain.faults, ...instances.receiver.faults],
      chainLength: chain.count,
      exits: exits.filter((code) => code !== 0),
    }
  } finally {
    await close()
  }
}

const operatorOf = (url: string) => serviceClient({ url, apiKey: apiKeys.operator })
const firstUrl = ({ all }: Instances): string => all[0]?.url ?? ''

/** The queues of webhooks: of events that are not routed yet, and of each endpoint. */
const queues = ['webhooks:default', ...endpoints.map((name) => `webhook:default:${name}`)]

/** How many events wait for webhook endpoints. */
async function waitingWebhooks({ outbox }: Store): Promise<number> {
  const counts = await Promise.all(queues.map((name) => outbox.counts(name)))
  return counts.reduce((sum, { waiting }) => sum + waiting, 0)
}

async function chainOf(instances: Instances): Promise<{ readonly faults: readonly string[]; readonly count: number }> {
  const { data, error } = await operatorOf(firstUrl(instances)).GET('/v1/audit/verify')
  if (data?.valid) return { faults: [], count: data.count ?? 0 }
  return { faults: [`audit verify: ${data?.reason ?? error?.detail ?? 'no answer'}`], count: 0 }
}

/** Verifies the newest token of each guest whose revocation was acknowledged, at each instance. */
async function revocationsThatDoNotHold({ all }: Instances, { answers }: Traffic): Promise<readonly string[]> {
  const newest = new Map(answers.tokens.map(({ guestId, token }) => [guestId, token]))
  const faults: string[] = []
  for (const guestId of answers.revoked)
    for (const { url } of all) {
      const token = newest.get(guestId)
      if (token === undefined) continue
      const { data, error } = await serviceClient({ url, apiKey: apiKeys.issuer }).POST('/v1/tokens/verify', {
        body: { token },
      })
      if (data?.valid !== false) faults.push(`revoked guest ${guestId}: its token is ${error?.code ?? 'valid'}`)
    }
  return faults
}
