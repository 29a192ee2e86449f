import type { WebhookEndpoint, Webhooks } from '@guestpass/core'
import { webhookEvents } from '@guestpass/core/runtime-kit'
import type { Instant } from '@guestpass/core/store-kit'
import * as z from 'zod'
import {
  commandFor,
  type Config,
  databasePlace,
  endpointDocument,
  listDocument,
  withExistingStore,
  withRuntime,
} from '@guestpass/runtime'
import { statusCell } from '../lists/status-cell.ts'
import { tableLines } from '../lists/table.ts'
import { type Cli, defineCommand } from './runner/command.ts'
import type { Line } from './runner/styled-line.ts'

/** What commands about webhooks need besides the webhooks. */
interface WebhookTools {
  readonly now: () => Instant
  /** Writes a command for the connection of the webhooks. */
  readonly command: (words: string) => string
  /** The database, as it may be shown. */
  readonly place: string
}

/** Whether there are endpoints without a store: those of the configuration, whose secret is then made and stored. */
const hasConfigured = ({ settings: { idpWebhookUrl, idmWebhookUrl, analyticsWebhookUrl } }: Config): boolean =>
  [idpWebhookUrl, idmWebhookUrl, analyticsWebhookUrl].some((url) => url !== undefined)

/** Runs work on the webhooks of a connection. `adds`: the work adds the first endpoint. Default false. */
export async function onWebhooks<T>(
  cli: Cli,
  work: (webhooks: Webhooks, tools: WebhookTools) => Promise<T>,
  { adds = false }: { readonly adds?: boolean } = {},
): Promise<T> {
  const config = await cli.config()
  const command = (words: string): string => commandFor(config.connection, words)
  const place = databasePlace(config, cli.hostProcess.cwd)
  const onStore = adds || hasConfigured(config) ? withRuntime : withExistingStore
  return onStore(config, cli.runtimeHost, ({ webhooks, ports }) =>
    work(webhooks, { now: () => ports.clock.wall(), command, place }),
  )
}

const describeEvents = ({ contract, events }: Pick<WebhookEndpoint, 'contract' | 'events'>): string => {
  if (contract !== 'standard') return contract
  return events === 'all' ? 'all events' : events.join(' ')
}

const endpointLines = (
  endpoint: ReturnType<typeof endpointDocument>,
  command: WebhookTools['command'],
): readonly string[] => [
  `${endpoint.id}  ${endpoint.url}`,
  `  ${describeEvents(endpoint)}${endpoint.includeToken ? ', with tokens' : ''}${endpoint.configured ? ', of the configuration' : ''}; signed with ${endpoint.secrets.join(' and ')}`,
  ...disabledLines(endpoint, command),
]

/** Since when and why an endpoint is disabled, and what to do; nothing for one that is enabled. */
const disabledLines = (
  { id, disabled }: Pick<ReturnType<typeof endpointDocument>, 'id' | 'disabled'>,
  command: WebhookTools['command'],
): readonly string[] =>
  disabled
    ? [
        `  ${id} is disabled since ${disabled.at}: ${disabled.why}`,
        `  When it is back, enable it with \`${command(`webhooks enable ${id}`)}\`.`,
      ]
    : []

export const webhooksListCommand = defineCommand({
  example: 'guestpass webhooks list',
  reveal: true,
  input: z.object({}),
  run: (_input, cli) =>
    onWebhooks(cli, async (webhooks, { command, place }) => {
      const all = await webhooks.endpoints.all()
      const rows = await Promise.all(
        all.map(async (one) => ({ ...endpointDocument(one, cli.showToken), ...(await webhooks.counts(one.id)) })),
      )
      cli.answer(listDocument(rows), () =>
        rows.length === 0
          ? [`No webhook endpoints yet in ${place}. Add one with \`${command('webhooks add URL')}\`.`]
          : [...endpointTable(rows), ...rows.flatMap((row) => disabledLines(row, command))],
      )
    }),
})

type EndpointRow = ReturnType<typeof endpointDocument> & { readonly waiting: number; readonly deadLetters: number }

const endpointTable = (rows: readonly EndpointRow[]): readonly Line[] =>
  tableLines<EndpointRow>(
    [
      { title: 'id', cell: ({ id }) => id },
      { title: 'url', cell: ({ url }) => url },
      { title: 'status', cell: ({ disabled }) => statusCell(disabled ? 'disabled' : 'enabled') },
      { title: 'events', cell: describeEvents },
      { title: 'tokens', cell: ({ includeToken }) => (includeToken ? 'included' : '') },
      { title: 'origin', cell: ({ configured }) => (configured ? 'configuration' : 'added') },
      { title: 'waiting', align: 'right', cell: ({ waiting }) => String(waiting) },
      { title: 'dead', align: 'right', cell: ({ deadLetters }) => String(deadLetters) },
      { title: 'signed with', cell: ({ secrets }) => secrets.join(' and ') },
    ],
    rows,
  )

export const webhooksAddCommand = defineCommand({
  example: 'guestpass webhooks add https://hooks.example.com/guestpass --event REFRESH_COMPLETED --reveal',
  options: [
    ['--event <type...>', `types of events (default: all): ${webhookEvents.join(', ')}`],
    ['--include-token', 'send guest tokens too'],
  ],
  reveal: true,
  input: z.object({
    url: z.string(),
    event: z.array(z.string()).optional(),
    includeToken: z.boolean().optional(),
  }),
  run: ({ url, event, includeToken = false }, cli) =>
    onWebhooks(
      cli,
      async ({ endpoints }, { command }) => {
        const added = await endpoints.add({ url, includeToken, ...(event ? { events: event } : {}) })
        const document = endpointDocument(added, cli.showToken)
        cli.answer(document, () => [
          ...endpointLines(document, command),
          `  The receiver needs the secret: \`${command('webhooks list --reveal')}\` shows it.`,
        ])
      },
      { adds: true },
    ),
})

export const webhooksRemoveCommand = defineCommand({
  example: 'guestpass webhooks remove 3f2b8c1e-7a54-4d09-9c1f-5b6e2a7d8f90',
  input: z.object({ id: z.string() }),
  run: ({ id }, cli) =>
    onWebhooks(cli, async ({ endpoints }) => {
      await endpoints.remove(id)
      cli.answer({ id, removed: true }, () => [`Webhook endpoint ${id} is removed.`])
    }),
})

export const webhooksEnableCommand = defineCommand({
  example: 'guestpass webhooks enable 3f2b8c1e-7a54-4d09-9c1f-5b6e2a7d8f90',
  input: z.object({ id: z.string() }),
  run: ({ id }, cli) =>
    onWebhooks(cli, async ({ endpoints }, { command }) => {
      const document = endpointDocument(await endpoints.enable(id), cli.showToken)
      cli.answer(document, () => [
        ...endpointLines(document, command),
        `  It is enabled; \`${command(`webhooks redeliver ${id}`)}\` sends what it missed.`,
      ])
    }),
})

export const webhooksRotateCommand = defineCommand({
  example: 'guestpass webhooks rotate 3f2b8c1e-7a54-4d09-9c1f-5b6e2a7d8f90 --reveal',
  reveal: true,
  input: z.object({ id: z.string() }),
  run: ({ id }, cli) =>
    onWebhooks(cli, async ({ endpoints }, { command }) => {
      const document = endpointDocument(await endpoints.rotate(id), cli.showToken)
      cli.answer(document, () => endpointLines(document, command))
    }),
})
