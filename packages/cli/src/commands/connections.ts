import { type ConnectionView, connectionView, GuestpassError } from '@guestpass/core'
import { connectionViews, currentStatus } from '@guestpass/core/runtime-kit'
import * as z from 'zod'
import { commandRemedy, connectionDocument, databasePlace, listDocument, withExistingStore } from '@guestpass/runtime'
import { statusCell } from '../lists/status-cell.ts'
import { tableLines } from '../lists/table.ts'
import { type TimeFormat, timeText, utcInput, utcOption } from '../lists/times.ts'
import { tokenLine } from '../lists/token-line.ts'
import { defineCommand } from './runner/command.ts'
import type { Line } from './runner/styled-line.ts'

const ended = new GuestpassError('needs_reauth', 'The sign-in has ended.')

export const connectionsListCommand = defineCommand({
  example: 'guestpass connections list',
  options: [utcOption],
  input: z.object({ utc: utcInput }),
  async run({ utc }, cli) {
    const config = await cli.config()
    await withExistingStore(config, cli.runtimeHost, async ({ store, ports }) => {
      const views = await connectionViews(store)
      const now = ports.clock.wall()
      cli.answer(listDocument(views.map((view) => connectionDocument(view, now))), () =>
        views.length === 0
          ? [`No connections yet in ${databasePlace(config, cli.hostProcess.cwd)}.`]
          : connectionTable(views, { now, utc }),
      )
    })
  },
})

const connectionTable = (views: readonly ConnectionView[], times: TimeFormat): readonly Line[] =>
  tableLines<ConnectionView>(
    [
      { title: 'connection', cell: ({ connection }) => connection },
      { title: 'grant', cell: ({ grant }) => grant },
      { title: 'status', cell: (view) => statusCell(currentStatus(view, times.now)) },
      { title: 'generation', align: 'right', cell: ({ generation }) => String(generation) },
      { title: 'expires', cell: ({ expiresAt }) => timeText(expiresAt, times) },
      { title: 'user', cell: ({ user = '' }) => user },
      { title: 'organisation', cell: ({ organization = '' }) => organization },
    ],
    views,
  )

/** Throws `invalid_input` where --connection names another one. */
function refuseOther(name: string | undefined, connection: string): void {
  if (name === undefined || name === connection || connection === 'default') return
  const message = 'is not the connection that --connection names'
  const fields = [{ field: '[name]', message, remedy: 'Give one of the two.' }]
  throw new GuestpassError('invalid_input', `[name] ${message}.`, { fields })
}

export const connectionsShowCommand = defineCommand({
  example: 'guestpass connections show default --json',
  input: z.object({ name: z.string().optional() }),
  async run({ name }, cli) {
    const config = await cli.config()
    refuseOther(name, config.connection)
    await withExistingStore(config, cli.runtimeHost, async ({ store, ports }) => {
      const view = await connectionView(store, name ?? config.connection)
      const document = connectionDocument(view, ports.clock.wall())
      cli.answer(document, () => [
        tokenLine([view.connection, view.grant, document.status], view),
        `  scopes ${view.scopes.join(' ') || '(none)'}; ${view.renewable ? 'renewed by itself' : 'not renewable'}`,
        ...(view.status === 'needs_reauth' ? [`  ${commandRemedy(ended, view.connection)}`] : []),
        ...(view.user === undefined ? [] : [`  signed in as ${view.user}`]),
        ...(view.organization === undefined ? [] : [`  organisation ${view.organization}`]),
      ])
    })
  },
})
