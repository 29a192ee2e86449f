import { type GuestRecords, guestRecords } from '@guestpass/core'
import type { Instant } from '@guestpass/core/store-kit'
import { type Config, withExistingStore } from '@guestpass/runtime'
import type { Cli } from './commands/runner/command.ts'

/** Runs work on the guests that the store knows. Nothing is asked of the upstream. */
export async function onGuestRecords(
  cli: Cli,
  work: (records: GuestRecords, parts: { readonly config: Config; readonly now: () => Instant }) => Promise<void>,
): Promise<void> {
  const config = await cli.config()
  await withExistingStore(config, cli.runtimeHost, ({ ports }) =>
    work(guestRecords({ connection: config.connection }, ports), { config, now: () => ports.clock.wall() }),
  )
}
