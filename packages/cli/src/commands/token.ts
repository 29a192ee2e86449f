import { lackedScopes } from '@guestpass/core/runtime-kit'
import * as z from 'zod'
import { accessTokenDocument, connect, withRuntime } from '@guestpass/runtime'
import { callContext } from '../call-context.ts'
import { defineCommand } from './runner/command.ts'
import { showUnsavedOnFailure } from '../unsaved-tokens.ts'

export const tokenCommand = defineCommand({
  example: 'guestpass token --reveal',
  settings: ['patienceSeconds'],
  reveal: true,
  raw: true,
  input: z.object({}),
  async run(_input, cli) {
    const config = await cli.config(['hosts', 'clientId'])
    await withRuntime(config, cli.runtimeHost, async (runtime) => {
      const { accessTokens } = await connect(config, runtime)
      const held = await showUnsavedOnFailure(() => accessTokens.token(callContext(cli, config.settings)), cli)
      const { scopes } = held
      const document = accessTokenDocument(held, cli.showToken)
      const { accessToken, expiresAt, scope, generation } = document
      const missing = scopes.length === 0 ? [] : lackedScopes(config.settings.scopes ?? [], scopes)
      if (missing.length > 0)
        cli.note(`guestpass: warning: of GENESYS_SCOPES, ${missing.join(' ')} was not granted: check the OAuth client`)
      const lacking = missing.length === 0 ? {} : { missing }
      cli.answer({ ...document, ...lacking }, () => [
        accessToken,
        `  valid until ${expiresAt}, generation ${generation}${scope === '' ? '' : `, scopes ${scope}`}`,
      ])
    })
  },
})
