import { guestApis, guestRecords } from '@guestpass/core'
import { currentStatuses } from '@guestpass/core/runtime-kit'
import * as z from 'zod'
import {
  databasePlace,
  DURATION_FORMATS,
  durationOption,
  guestViewDocument,
  listDocument,
  withExistingStore,
} from '@guestpass/runtime'
import { callContext } from '../call-context.ts'
import { knownGuestApi } from '../guest-apis.ts'
import { guestTable } from '../lists/guest-table.ts'
import { moreLines, pageInput, pageOptions } from '../lists/list-document.ts'
import { utcInput, utcOption } from '../lists/times.ts'
import { defineCommand } from './runner/command.ts'

export const guestListCommand = defineCommand({
  example: 'guestpass guest list --status active --expires-within 90m',
  options: [
    ['--status <name>', `the status that the guests have now: ${currentStatuses.join(', ')}`],
    ['--api <name>', `the API that issued the guests: ${guestApis.join(', ')}`],
    ['--channel <id>', 'the channel of the guests'],
    ['--expires-within <time>', `the time in which their tokens expire: ${DURATION_FORMATS}`],
    ...pageOptions('guests'),
    utcOption,
  ],
  input: z.object({
    ...pageInput,
    status: z.enum(currentStatuses, { error: 'is not a status of guests' }).optional(),
    api: knownGuestApi,
    channel: z.string().optional(),
    expiresWithin: durationOption.optional(),
    utc: utcInput,
  }),
  async run({ limit, after, status, api, channel, expiresWithin, utc }, cli) {
    const config = await cli.config()
    await withExistingStore(config, cli.runtimeHost, async ({ ports }) => {
      const records = guestRecords({ connection: config.connection }, ports)
      const options = { limit, after, status, api, channelId: channel, expiresWithinMs: expiresWithin }
      const { guests, next } = await records.list(options, callContext(cli))
      const now = ports.clock.wall()
      const isPart = Object.values(options).some((value) => value !== undefined)
      const document = listDocument(
        guests.map((view) => guestViewDocument(view, now)),
        next,
      )
      cli.answer(document, () => [
        ...(guests.length === 0
          ? [nothingFound(databasePlace(config, cli.hostProcess.cwd), isPart, next)]
          : guestTable(guests, { now, utc })),
        ...moreLines(next),
      ])
    })
  },
})

/** Names the store, because each folder has its own. */
function nothingFound(path: string, isPart: boolean, next: string | undefined): string {
  if (next !== undefined) return 'No such guests in this part of the list.'
  return isPart ? `No such guests in ${path}.` : `No guests yet in ${path}.`
}
