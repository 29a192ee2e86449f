import { setTimeout as sleep } from 'node:timers/promises'
import type { PostgresServer } from '../postgres/server.ts'
import type { Instance } from './instance.ts'

/** How an instance followed a restart of its database. */
export interface FollowedRestart {
  readonly how: 'fast' | 'immediate'
  /** Milliseconds from the stop of the database until `/readyz` said so; undefined if it never did. */
  readonly downMs?: number | undefined
  /** Milliseconds from the first answer of the database until `/readyz` answered 200; undefined: not in time. */
  readonly upMs?: number | undefined
}

const LOOK_MS = 25
/** A probe that gets no answer in this time counts as not ready, as with a load balancer. In milliseconds. */
const PROBE_MS = 1_000
/** How long an instance may take at most, in milliseconds. */
const MOST_MS = 15_000

/** Stops the database, starts it again after a while, and watches what `/readyz` of an instance says. */
export async function restartDatabase(
  server: PostgresServer,
  instance: Instance,
  { how, downMs }: { readonly how: FollowedRestart['how']; readonly downMs: number },
): Promise<FollowedRestart> {
  const stoppedAt = Date.now()
  const looking = new AbortController()
  const wentDown = firstTime(instance, false, looking.signal)
  await server.restart(how === 'fast' ? 'SIGINT' : 'SIGQUIT', downMs)
  const answeredAt = Date.now()
  looking.abort()
  const readyAt = await firstTime(instance, true, AbortSignal.timeout(MOST_MS))
  const downAt = await wentDown
  return {
    how,
    downMs: downAt === undefined ? undefined : downAt - stoppedAt,
    upMs: readyAt === undefined ? undefined : readyAt - answeredAt,
  }
}

/** When `/readyz` says for the first time that an instance is ready, or is not. Undefined: not before the signal. */
export async function firstTime({ url }: Instance, isReady: boolean, signal: AbortSignal): Promise<number | undefined> {
  while (!signal.aborted) {
    if ((await probe(url)) === isReady) return Date.now()
    await sleep(LOOK_MS)
  }
  return undefined
}

const probe = (url: string): Promise<boolean> =>
  fetch(`${url}/readyz`, { signal: AbortSignal.timeout(PROBE_MS) }).then(
    async (answer) => {
      await answer.text()
      return answer.ok
    },
    () => false,
  )
