import { GuestpassError, type PersonKey } from '@guestpass/core'
import {
  type Config,
  erasureDocument,
  guestViewDocument,
  listDocument,
  personErasureDocument,
  remainingFiles,
} from '@guestpass/runtime'
import * as z from 'zod'
import { callContext } from '../call-context.ts'
import { counted } from '../counted.ts'
import { knownGuestApi, knownGuestApiOption } from '../guest-apis.ts'
import { guestTable } from '../lists/guest-table.ts'
import { utcInput, utcOption } from '../lists/times.ts'
import { onGuestRecords } from '../on-guest-records.ts'
import { writeJsonLines } from '../output-text.ts'
import { type Cli, defineCommand, type ParameterHelp } from './runner/command.ts'

const emailOption: ParameterHelp = ['--email <address>', 'the e-mail address, in upper or lower case; - reads it']
const channelOption: ParameterHelp = ['--channel <id>', 'only the guests of this channel (default: of all)']

const email = z.string({ error: 'is missing' })
const channel = z.string().optional()

interface PersonInput {
  readonly email: string
  readonly channel?: string | undefined
}

/** The person that the options name. `-` reads the address, which the list of processes then does not show. */
const personOf = async ({ email: address, channel: channelId }: PersonInput, cli: Cli): Promise<PersonKey> => ({
  email: address === '-' ? await cli.input() : address,
  ...(channelId === undefined ? {} : { channelId }),
})

export const guestFindCommand = defineCommand({
  example: 'guestpass guest find --email ann@example.com',
  options: [emailOption, channelOption, utcOption],
  input: z.object({ email, channel, utc: utcInput }),
  async run({ utc, ...input }, cli) {
    const person = await personOf(input, cli)
    await onGuestRecords(cli, async (records, { now }) => {
      const guests = await records.find(person, { ...callContext(cli), patienceMs: Number.POSITIVE_INFINITY })
      const times = { now: now(), utc }
      cli.answer(listDocument(guests.map((view) => guestViewDocument(view, times.now))), () =>
        guests.length === 0 ? ['No guest of this address.'] : guestTable(guests, times),
      )
    })
  },
})

export const guestExportCommand = defineCommand({
  example: 'guestpass guest export --email ann@example.com --output ann.json',
  options: [
    emailOption,
    channelOption,
    ['--output <file>', 'file to write, for its owner alone (default: standard output)'],
  ],
  input: z.object({ email, channel, output: z.string().min(1, 'is empty').optional() }),
  async run({ output, ...input }, cli) {
    const person = await personOf(input, cli)
    await onGuestRecords(cli, async (records) => {
      const document = await records.export(person, { ...callContext(cli), patienceMs: Number.POSITIVE_INFINITY })
      if (output === undefined || output === '-') {
        cli.answer(document, () => JSON.stringify(document, undefined, 2).split('\n'))
        return
      }
      await writeJsonLines(output, [document], cli)
      const guests = document.guests.length
      cli.answer({ file: output, guests }, () => [`${counted(guests, 'guest')} in ${output}`])
    })
  },
})

/** The files that may still hold data of who was erased. */
const filesOf = (config: Config, cli: Cli): Promise<readonly string[]> => remainingFiles(config, cli.hostProcess.cwd)

/** What a guest's end means upstream, for people. */
export const untilThere = (until: string | undefined): readonly string[] =>
  until === undefined ? [] : [`  Genesys has no call for it: tokens stay valid there until ${until}.`]

const remainsLines = (remains: readonly string[]): readonly string[] => remains.map((one) => `  Remains: ${one}`)

export const guestEraseCommand = defineCommand({
  example: 'guestpass guest erase --email ann@example.com',
  options: [emailOption, channelOption, knownGuestApiOption],
  input: z
    .object({ guestId: z.string().optional(), email: email.optional(), channel, api: knownGuestApi })
    .refine(({ email: address, api }) => address === undefined || api === undefined, {
      path: ['api'],
      message: 'is for the id of a guest, and --email erases the guests of all APIs',
    }),
  async run({ guestId, email: address, channel: channelId, api }, cli) {
    if (guestId === undefined && address !== undefined)
      return erasePerson(await personOf({ email: address, channel: channelId }, cli), cli)
    if (guestId === undefined || address !== undefined || channelId !== undefined) throw oneOfBoth()
    return eraseGuest(guestId, api, cli)
  },
})

const eraseGuest = (guestId: string, api: z.output<typeof knownGuestApi>, cli: Cli): Promise<void> =>
  onGuestRecords(cli, async (records, { config }) => {
    const erased = await records.erase(guestId, { ...callContext(cli), api })
    const document = erasureDocument(erased, await filesOf(config, cli))
    cli.answer(document, () => [
      `Guest ${guestId} is erased here.`,
      ...untilThere(document.upstreamValidUntil),
      ...remainsLines(document.remains),
    ])
  })

const erasePerson = (person: PersonKey, cli: Cli): Promise<void> =>
  onGuestRecords(cli, async (records, { config }) => {
    const erased = await records.erase(person, { ...callContext(cli), patienceMs: Number.POSITIVE_INFINITY })
    const document = personErasureDocument(erased, await filesOf(config, cli))
    cli.answer(document, () => [
      document.guests.length === 0 ? 'No guest of this address.' : 'Erased here:',
      ...document.guests.flatMap(({ guestId, api, upstreamValidUntil }) => [
        `  ${guestId}  ${api}`,
        ...untilThere(upstreamValidUntil).map((line) => `  ${line}`),
      ]),
      ...remainsLines(document.remains),
    ])
  })

function oneOfBoth(): GuestpassError {
  const message = 'must be either the id of a guest, or --email with or without --channel'
  const remedy = 'Give one of the two.'
  const fields = [{ field: 'guest-id', message, remedy }]
  return new GuestpassError('invalid_input', `guest-id ${message}. ${remedy}`, { fields })
}
