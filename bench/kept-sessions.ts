/** Runs of a keeper, and of its peer, each in a process of its own. */
import type { Store } from '@guestpass/core'
import type { Instant } from '@guestpass/core/store-kit'
import { randomUUID } from 'node:crypto'
import { child } from './child.ts'
import { addSessions, TOKEN_LENGTH } from './live-sessions.ts'
import type { RefreshUpstream } from './refresh-upstream.ts'
import type { KeeperJob, Kept, Ready } from './session-keeper.ts'
import type { Run, Size } from './session-sheets.ts'
import type { Armed, TimersJob } from './session-timers.ts'

/** A database of sessions. */
export interface SessionDatabase extends Pick<KeeperJob, 'place' | 'key'> {
  /** Opens it, to add sessions. */
  open(): Promise<Store>
}

/** Adds sessions that fall due at those moments, and lets a keeper of its own process renew them. */
export async function kept(
  { open, place, key }: SessionDatabase,
  upstream: RefreshUpstream,
  dues: (now: Instant) => readonly Instant[],
): Promise<Run> {
  const ids = dues(0).map(() => randomUUID())
  // Their tokens upstream are signed first.
  await upstream.prepare(ids)
  const at = dues(Date.now())
  const store = await open()
  await addSessions(store, ids, (nth) => at[nth] as Instant)
  await store.close()
  const { url, publicKey } = upstream
  const started = performance.now()
  const process = child('session-keeper.ts')
  process.tell({ place, key, url, publicKey, renewals: ids.length } satisfies KeeperJob)
  const { rss } = await process.next<Ready>()
  const readyMs = performance.now() - started
  const readyAt = Date.now()
  const found = await process.next<Kept>()
  await process.end()
  if (found.failed > 0) throw new Error(`${found.failed} renewals failed`)
  return { kept: found, readyMs, idleRss: rss, readyAt }
}

/** The peer: a timer for each session. */
export async function timers(sessions: number): Promise<Size['theirs']> {
  const started = performance.now()
  const process = child('session-timers.ts')
  process.tell({ sessions, tokenLength: TOKEN_LENGTH } satisfies TimersJob)
  const { rss } = await process.next<Armed>()
  const readyMs = performance.now() - started
  await process.end()
  return { readyMs, rss }
}

/** Throws if a session was renewed twice. */
export function checkOnce({ refreshes, guests }: ReturnType<RefreshUpstream['asked']>): void {
  if (refreshes !== guests) throw new Error(`upstream was asked ${refreshes} times for ${guests} renewals`)
}
