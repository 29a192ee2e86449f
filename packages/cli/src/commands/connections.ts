import { type ConnectionView, connectionView, GuestpassError } from '@guestpass/core'
import { connectionViews, iso } from '@guestpass/core/runtime-kit'
import * as z from 'zod'
import { commandRemedy, connectionDocument, withRuntime } from '@guestpass/runtime'
import { defineCommand } from './runner/command.ts'

const ended = new GuestpassError('needs_reauth', 'The sign-in has ended.')

const lineOf = ({ connection, grant, status, generation, expiresAt }: ConnectionView): string =>
  `${connection}  ${grant}  ${status}  generation ${generation}  ${expiresAt === undefined ? 'no token' : `until ${iso(expiresAt)}`}`

export const connectionsListCommand = defineCommand({
  example: 'guestpass connections list',
  input: z.object({}),
  async run(_input, cli) {
    await withRuntime(await cli.config(), cli.runtimeHost, async ({ store }) => {
      const views = await connectionViews(store)
      cli.answer({ connections: views.map(connectionDocument) }, () =>
        views.length === 0 ? ['No connections yet.'] : views.map(lineOf),
      )
    })
  },
})

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
    await withRuntime(config, cli.runtimeHost, async ({ store }) => {
      const view = await connectionView(store, name ?? config.connection)
      cli.answer(connectionDocument(view), () => [
        lineOf(view),
        `  scopes ${view.scopes.join(' ') || '(none)'}; ${view.renewable ? 'renewed by itself' : 'not renewable'}`,
        ...(view.status === 'needs_reauth' ? [`  ${commandRemedy(ended, view.connection)}`] : []),
        ...(view.user === undefined ? [] : [`  signed in as ${view.user}`]),
        ...(view.organization === undefined ? [] : [`  organisation ${view.organization}`]),
      ])
    })
  },
})
