import { iso } from '@guestpass/core/runtime-kit'
import {
  apiKeyDocument,
  apiKeyGroup,
  apiKeyRoles,
  type ApiKeys,
  apiKeys,
  type ApiKeyView,
  type ConfiguredKey,
  configuredKeyDocument,
  configuredKeys,
  createdApiKeyDocument,
  DURATION_FORMATS,
  databasePlace,
  durationOption,
  listDocument,
  whole,
  withExistingStore,
  withRuntime,
} from '@guestpass/runtime'
import * as z from 'zod'
import { callContext } from '../call-context.ts'
import { statusCell } from '../lists/status-cell.ts'
import { tableLines } from '../lists/table.ts'
import { type TimeFormat, timeText, utcInput, utcOption } from '../lists/times.ts'
import { type Cli, defineCommand } from './runner/command.ts'
import type { Line } from './runner/styled-line.ts'

interface KeyTools {
  readonly now: number
  /** The database, as it may be shown. */
  readonly place: string
  /** The keys of the configuration for the connection. */
  readonly configured: readonly ConfiguredKey[]
}

/** Runs work on the API keys of the connection. `onStore`: `withRuntime` for work that makes the first key. */
async function onKeys<T>(
  cli: Cli,
  work: (keys: ApiKeys, tools: KeyTools) => Promise<T>,
  onStore: typeof withExistingStore = withExistingStore,
): Promise<T> {
  const config = await cli.config()
  const { connection, settings } = config
  const place = databasePlace(config, cli.hostProcess.cwd)
  const configured = configuredKeys(settings.apiKeys ?? []).filter((one) => one.connection === connection)
  return onStore(config, cli.runtimeHost, ({ ports }) =>
    work(apiKeys(connection, ports), { now: ports.clock.wall(), place, configured }),
  )
}

export const apiKeysListCommand = defineCommand({
  example: 'guestpass api-keys list',
  options: [utcOption],
  input: z.object({ utc: utcInput }),
  run: ({ utc }, cli) =>
    onKeys(cli, async (keys, { now, place, configured }) => {
      const stored = await keys.list()
      const document = listDocument([...configured.map(configuredKeyDocument), ...stored.map(apiKeyDocument)])
      cli.answer(document, () =>
        document.data.length === 0
          ? [`No API keys yet in ${place}. Make one with \`guestpass api-keys create --name NAME --role issuer\`.`]
          : keyTable([...configured, ...stored], { now, utc }),
      )
    }),
})

/** A row of the list. Keys of the configuration have no times. */
type KeyRow = Pick<ApiKeyView, 'id' | 'name' | 'roles' | 'group'> & Partial<ApiKeyView>

const keyTable = (all: readonly KeyRow[], times: TimeFormat): readonly Line[] =>
  tableLines<KeyRow>(
    [
      { title: 'id', cell: ({ id }) => id },
      { title: 'name', cell: ({ name }) => name },
      { title: 'status', cell: ({ expiresAt }) => statusCell(expiresAt === undefined ? 'active' : 'ending') },
      { title: 'roles', cell: ({ roles }) => roles.join(' ') },
      { title: 'group', cell: ({ group = '' }) => group },
      { title: 'created', cell: ({ createdAt }) => timeText(createdAt, times) },
      { title: 'ends', cell: ({ expiresAt }) => timeText(expiresAt, times) },
      { title: 'last used', cell: ({ usedAt }) => timeText(usedAt, times) },
    ],
    all,
  )

/** The lines of a key that was just made: the only ones with the key. */
const createdLines = ({ key, id, roles }: ReturnType<typeof createdApiKeyDocument>): readonly string[] => [
  key,
  `  id ${id}, roles ${roles.join(' ')}. Keep the key now: it is not shown again.`,
]

const revealed = (secret: { reveal(): string }): string => secret.reveal()

export const apiKeysCreateCommand = defineCommand({
  example: 'guestpass api-keys create --name shop --role issuer verifier',
  options: [
    ['--name <text>', 'what you call the key, 1 to 100 characters'],
    ['--role <role...>', `what it may do: ${apiKeyRoles.join(', ')}`],
    ['--group <name>', 'keys of one group share their guests (default: its guests are its own)'],
    ['--quota <n>', 'requests a minute that it may send, to all instances together (default: GUESTPASS_API_KEY_QUOTA)'],
    ['--expires-in <time>', `how long it is valid: ${DURATION_FORMATS} (default: until it is revoked)`],
  ],
  input: z.object({
    name: z.string({ error: 'is missing' }).trim().min(1, 'is empty').max(100, 'is longer than 100 characters'),
    role: z.array(z.enum(apiKeyRoles, { error: 'is not a role' }), { error: 'is missing' }).min(1),
    group: apiKeyGroup.optional(),
    quota: whole(1, 1_000_000).optional(),
    expiresIn: durationOption.optional(),
  }),
  run: ({ name, role, group, quota, expiresIn }, cli) =>
    onKeys(
      cli,
      async (keys) => {
        const request = { name, roles: [...new Set(role)], group, perMinute: quota, lastsMs: expiresIn }
        const document = createdApiKeyDocument(await keys.create(request, callContext(cli)), revealed)
        cli.answer(document, () => createdLines(document))
      },
      withRuntime,
    ),
})

export const apiKeysRotateCommand = defineCommand({
  example: 'guestpass api-keys rotate 9f2c41d7b0a83e65 --overlap 24h',
  options: [['--overlap <time>', `how long the former key goes on: ${DURATION_FORMATS} (default: it ends at once)`]],
  input: z.object({ id: z.string(), overlap: durationOption.optional() }),
  run: ({ id, overlap = 0 }, cli) =>
    onKeys(cli, async (keys) => {
      const document = createdApiKeyDocument(await keys.rotate(id, overlap, callContext(cli)), revealed)
      cli.answer(document, () => createdLines(document))
    }),
})

export const apiKeysRevokeCommand = defineCommand({
  example: 'guestpass api-keys revoke 9f2c41d7b0a83e65',
  options: [['--in <time>', `when it ends: ${DURATION_FORMATS} from now (default: at once)`]],
  input: z.object({ id: z.string(), in: durationOption.optional() }),
  run: ({ id, in: inMs = 0 }, cli) =>
    onKeys(cli, async (keys) => {
      const { endsAt } = await keys.revoke(id, inMs, callContext(cli))
      cli.answer({ id, endsAt: iso(endsAt) }, () => [
        `API key ${id} ${inMs > 0 ? `ends at ${iso(endsAt)}` : 'has ended'}.`,
      ])
    }),
})
