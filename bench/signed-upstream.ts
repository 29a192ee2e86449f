/** An upstream in a process of its own, which issues and refreshes guest tokens that were signed in advance. */
import { type RefreshUpstream, refreshUpstream } from './refresh-upstream.ts'

/** Where it is, and what verifies its tokens. */
export interface SignedUpstream extends Pick<RefreshUpstream, 'url' | 'publicKey'> {}

/** What it is asked: to sign the next token of each of these guests, or to say what it was asked for. */
export type UpstreamOrder = { readonly prepare: readonly string[] } | { readonly report: true }

/** Its answer to an order. */
export type UpstreamReport = ReturnType<RefreshUpstream['asked']>

const upstream = await refreshUpstream()

async function obey(order: UpstreamOrder): Promise<void> {
  if ('prepare' in order) await upstream.prepare(order.prepare)
  process.send?.(upstream.asked() satisfies UpstreamReport)
}

process.on('message', (order: UpstreamOrder) => void obey(order))
process.once('disconnect', () => process.exit())
process.send?.({ url: upstream.url, publicKey: upstream.publicKey } satisfies SignedUpstream)
