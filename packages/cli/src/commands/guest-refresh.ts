import * as z from 'zod'
import { connect, tokenDocument, withExistingStore, withRuntime } from '@guestpass/runtime'
import { callContext } from '../call-context.ts'
import { defineCommand } from './runner/command.ts'
import { knownGuestApi, knownGuestApiOption } from '../guest-apis.ts'
import { showUnsavedOnFailure } from '../unsaved-tokens.ts'
import { readTokenArgument } from '../token-argument.ts'
import { tokenLines } from './guest-token.ts'

export const guestRefreshCommand = defineCommand({
  example: 'guestpass guest refresh 3f2b8c1e-7a54-4d09-9c1f-5b6e2a7d8f90 --token - < token.txt',
  options: [
    ['--token <token>', "the guest's current token if the store does not have it, or - for standard input"],
    ['--subject <sub>', "the `sub` of that token if it is not the guest's id; it is stored"],
    knownGuestApiOption,
  ],
  settings: ['patienceSeconds'],
  reveal: true,
  raw: true,
  input: z.object({
    guestId: z.string(),
    token: z.string().optional(),
    subject: z.string().optional(),
    api: knownGuestApi,
  }),
  async run({ guestId, token, subject, api }, cli) {
    const config = await cli.config(['hosts', 'clientId'])
    const held = token === undefined ? undefined : await readTokenArgument(token, '--token', cli)
    // A guest from outside is stored.
    const onStore = held === undefined ? withExistingStore : withRuntime
    await onStore(config, cli.runtimeHost, async (runtime) => {
      const { guests } = await connect(config, runtime)
      const context = { ...callContext(cli, config.settings), api }
      const issued = await showUnsavedOnFailure(() => guests.refresh(guestId, { token: held, subject }, context), cli)
      const document = tokenDocument(issued, cli.showToken)
      cli.answer(document, () => tokenLines(document))
    })
  },
})
