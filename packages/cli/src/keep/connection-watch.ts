import { type Clock, connectionView, type ConnectionView, type Store } from '@guestpass/core'
import { iso } from '@guestpass/core/runtime-kit'
import { asGuestpassError } from '@guestpass/core/store-kit'
import { commandFor } from '@guestpass/runtime'
import { signInEndText } from '../sign-in-end.ts'
import type { KeepEntry, KeepLog } from './keep-log.ts'

interface WatchParts {
  readonly store: Store
  readonly connection: string
  readonly clock: Pick<Clock, 'wall'>
  readonly log: KeepLog
}

/** How the connection gets its access tokens, read now. */
export interface ConnectionWatch {
  /** Logs a new sign-in, an ended one, one in doubt, and an access token that ended without a successor. */
  look(): Promise<void>
  status(): ConnectionView | undefined
}

const unused = (connection: string): Pick<ConnectionView, 'connection' | 'grant' | 'status'> => ({
  connection,
  grant: 'none',
  status: 'unused',
})

export function createConnectionWatch({ store, connection, clock, log }: WatchParts): ConnectionWatch {
  let view: ConnectionView | undefined
  let key: string | undefined
  let hasEnded = false
  return {
    status: () => view,
    async look() {
      view = await connectionView(store, connection).catch((thrown: unknown) => {
        // No token was requested yet.
        if (asGuestpassError(thrown).code === 'connection_unknown') return undefined
        throw thrown
      })
      const { grant, status } = view ?? unused(connection)
      const next = [grant, status, view?.user ?? ''].join(' ')
      if (key !== undefined && next !== key) log(await changed({ store, connection, clock }, view))
      key = next
      const isOver = view?.expiresAt !== undefined && view.expiresAt <= clock.wall()
      if (isOver && !hasEnded) log(ended(connection, view))
      hasEnded = isOver
    },
  }
}

const grants = {
  refresh_token: 'the sign-in of a user',
  client_credentials: 'client credentials',
  none: 'no sign-in',
} as const

async function changed(
  { store, connection, clock }: Omit<WatchParts, 'log'>,
  view: ConnectionView | undefined,
): Promise<KeepEntry> {
  const { grant, status } = view ?? unused(connection)
  const facts = { grant, status, user: view?.user }
  const has = `Connection ${connection} has ${grants[grant]}, status ${status}.`
  const why = view?.status === 'needs_reauth' ? await signInEndText(store, view, clock.wall()) : ''
  const texts: Partial<Record<ConnectionView['status'], string>> = {
    needs_reauth: `${has.slice(0, -1)}: ${why} Sign in again with \`${commandFor(connection, 'login')}\`.`,
    in_doubt: `${has} The answer to the last renewal was lost. It is tried once more when the access token ends.`,
  }
  const level = { needs_reauth: 'error', in_doubt: 'warning' } as const
  return {
    event: 'connection_changed',
    message: texts[status] ?? has,
    level: status === 'needs_reauth' || status === 'in_doubt' ? level[status] : 'info',
    facts,
  }
}

function ended(connection: string, view: ConnectionView | undefined): KeepEntry {
  const expiresAt = iso(view?.expiresAt ?? 0)
  const message = `The access token of connection ${connection} ended at ${expiresAt}, and no other one is stored. The next call requests one.`
  return { event: 'access_token_ended', level: 'warning', message, facts: { expiresAt } }
}
