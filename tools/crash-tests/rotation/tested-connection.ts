import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Connection, Event, Store } from '@guestpass/core'
import { asGuestpassError, type Credential } from '@guestpass/core/store-kit'
import { signIn } from '../base-environment.ts'
import { storedEvents } from '../stored-records.ts'

/**
 * The APIs whose refresh tokens are spent by each use: the sign-in of a user, and the guests of a channel.
 */
export type Api = 'grant' | 'engagements'

/** One connection, with a sign-in or a guest that is refreshed. */
export interface TestedConnection {
  readonly name: string
  readonly api: Api
  /** All sign-ins or guests that it ever had, as the store has them now. */
  credentials(): Promise<readonly Credential[]>
  events(): Promise<readonly Event[]>
  /** Whether its sign-in or guest has ended, so that `restart` is needed. */
  hasEnded(): Promise<boolean>
  /** Signs the user in, or makes another guest. Tries again until it succeeds, at most 60 times. */
  restart(): Promise<void>
}

/** A connection whose user is signed in. */
export function signInConnection(connection: Connection, store: Store): TestedConnection {
  const { name } = connection
  const grant = async (): Promise<Credential | undefined> => (await store.find(name, 'grant')).credential
  return {
    name,
    api: 'grant',
    credentials: async () => [await grant()].filter((credential) => credential !== undefined),
    events: () => storedEvents(store, name),
    hasEnded: async () => (await grant())?.status === 'needs_reauth',
    restart: () => untilDone(() => signIn(connection, ['guest:read'])),
  }
}

/** A connection with an engagement guest. The id of the latest guest is in a file, where workers read it. */
export function engagementConnection(
  { name, guests }: Connection,
  store: Store,
  channelId: string,
  cwd: string,
): TestedConnection {
  const ids: string[] = []
  const find = async (id: string): Promise<Credential | undefined> => (await store.find(name, id)).credential
  const issue = async (): Promise<void> => {
    const email = `person-${ids.length}@${name}.example`
    const { guestId } = await guests.issue({ api: 'engagements', email, consent: true, channelId })
    ids.push(guestId)
    writeFileSync(join(cwd, `guest-of-${name}`), guestId)
  }
  return {
    name,
    api: 'engagements',
    credentials: async () => (await Promise.all(ids.map(find))).filter((credential) => credential !== undefined),
    events: () => storedEvents(store, name),
    hasEnded: async () => (await find(ids.at(-1) ?? ''))?.status === 'needs_reauth',
    restart: () => untilDone(issue),
  }
}

const MAX_TRIES = 60

/** Repeats a call of this process, because the faults of the upstream and full disks reach it too. */
async function untilDone(call: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await call()
    } catch (thrown) {
      if (tries === MAX_TRIES) throw thrown
      const { retryAt = 0 } = asGuestpassError(thrown)
      const waitMs = Math.min(Math.max(retryAt - Date.now(), 250), 10_000)
      await new Promise((resolve) => setTimeout(resolve, waitMs))
    }
  }
}
