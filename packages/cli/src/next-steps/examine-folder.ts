import { connectionView, GuestpassError, guestRecords } from '@guestpass/core'
import { type CurrentStatus, currentStatus } from '@guestpass/core/runtime-kit'
import { type Config, databasePlace, hasStore, type Runtime, withRuntime } from '@guestpass/runtime'
import { callContext } from '../call-context.ts'
import type { Cli } from '../commands/runner/command.ts'
import { withVariables } from '../commands/runner/remedies.ts'
import { staleEnvironment } from '../stale-environment.ts'
import type { FolderState } from './next-steps.ts'

/** Guests that are counted at most, so that the answer comes at once. */
const MOST_COUNTED = 1_000

/** Finds out what a folder has: configuration, store, guests. Makes nothing, and sends nothing. */
export async function examineFolder(cli: Cli): Promise<FolderState> {
  const config = await configOf(cli)
  if ('faults' in config) return { state: 'misconfigured', faults: config.faults }
  const { hosts, settings } = config
  const database = databasePlace(config, cli.hostProcess.cwd)
  const isStored = hasStore(config, cli.hostProcess.cwd)
  if (!hosts && settings.clientId === undefined && !isStored) return { state: 'empty' }
  if (hosts || settings.clientId !== undefined) {
    const needed = await configOf(cli, ['hosts', 'clientId'])
    if ('faults' in needed) return { state: 'misconfigured', faults: needed.faults }
  }
  const stale = staleEnvironment(config.contradictions)
  if (stale !== undefined) cli.runtimeHost.warn(stale)
  const api = hosts?.api ?? hosts?.oauth
  const canIssue = hosts !== undefined && (!hosts.platformApi || settings.gateway)
  if (!isStored) return { state: 'configured', api: api ?? '', hasSecret: hasSecret(settings), canIssue }
  try {
    const stored = await withRuntime(config, cli.runtimeHost, (runtime) => storedState(config.connection, runtime, cli))
    if (!hosts && settings.clientId === undefined && Object.keys(stored.guests).length === 0) return { state: 'empty' }
    return { state: 'in_use', database, ...(api === undefined ? {} : { api }), canIssue, ...stored }
  } catch (thrown) {
    if (cli.signal.aborted || !(thrown instanceof GuestpassError)) throw thrown
    return { state: 'store_failed', message: withVariables(thrown, config.connection).message }
  }
}

/** Whether the client gets access tokens without the sign-in of a user. */
const hasSecret = ({ clientSecret, privateKey }: Config['settings']): boolean =>
  clientSecret !== undefined || privateKey !== undefined

/** The configuration, or its faults. */
async function configOf(
  cli: Cli,
  needs: readonly ('hosts' | 'clientId')[] = [],
): Promise<Config | { readonly faults: NonNullable<GuestpassError['fields']> }> {
  try {
    return await cli.config(needs)
  } catch (thrown) {
    if (!(thrown instanceof GuestpassError) || !thrown.fields) throw thrown
    return { faults: thrown.fields }
  }
}

async function storedState(
  connection: string,
  { store, ports }: Runtime,
  cli: Cli,
): Promise<Pick<Extract<FolderState, { readonly state: 'in_use' }>, 'signInEnded' | 'guests' | 'hasMore'>> {
  const isKnown = (await store.connections()).includes(connection)
  const status = isKnown ? (await connectionView(store, connection)).status : 'unused'
  const { guests, next } = await guestRecords({ connection }, ports).list({ limit: MOST_COUNTED }, callContext(cli))
  const now = ports.clock.wall()
  const counts: Partial<Record<CurrentStatus, number>> = {}
  for (const view of guests) {
    const current = currentStatus(view, now)
    counts[current] = (counts[current] ?? 0) + 1
  }
  return { signInEnded: status === 'needs_reauth', guests: counts, hasMore: next !== undefined }
}
