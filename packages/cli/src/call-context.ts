import type { Context } from '@guestpass/core'
import { SECOND } from '@guestpass/core/store-kit'
import type { Settings } from '@guestpass/runtime'
import type { Cli } from './commands/runner/command.ts'

/** How long a command waits if no setting says, also for the end of an earlier command's back-off. */
const PATIENCE_SECONDS = 30

/** On whose behalf a command calls the library, and how long it waits. `actor`: default `cli`. */
export const callContext = (
  { signal }: Cli,
  { patienceSeconds = PATIENCE_SECONDS }: Pick<Settings, 'patienceSeconds'> = {},
  actor = 'cli',
): Omit<Context, 'signal' | 'correlationId'> & { readonly signal: AbortSignal } => ({
  actor,
  signal,
  patienceMs: patienceSeconds * SECOND,
})
