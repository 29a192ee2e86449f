import { iso } from '@guestpass/core/runtime-kit'
import * as z from 'zod'
import { connect, withRuntime } from '@guestpass/runtime'
import { callContext } from '../call-context.ts'
import { defineCommand } from './runner/command.ts'

export const logoutCommand = defineCommand({
  example: 'guestpass logout',
  input: z.object({}),
  async run(_input, cli) {
    const config = await cli.config(['hosts', 'clientId'])
    await withRuntime(config, cli.runtimeHost, async (runtime) => {
      const { signOut } = await connect(config, runtime)
      const { upstream, local, upstreamValidUntil } = await signOut(callContext(cli))
      const until = upstreamValidUntil === undefined ? {} : { upstreamValidUntil: iso(upstreamValidUntil) }
      cli.answer({ connection: config.connection, upstream, local, ...until }, () => [
        `Connection ${config.connection} is signed out here${upstream === 'done' ? ', and upstream has ended its tokens' : ''}.`,
        ...(upstream === 'failed'
          ? [
              `  Upstream has not ended its tokens. Run it again when it can be reached${config.settings.issuer ? ', with the GENESYS_ISSUER of the sign-in' : ''}.`,
            ]
          : []),
        ...(upstream === 'unsupported'
          ? [
              config.hosts.platformLogin
                ? '  Upstream ended the access token; it has no call that ends a refresh token.'
                : '  Upstream names no call that ends tokens: nothing was sent. If it has one, set GENESYS_REVOCATION_PATH before the next sign-out.',
            ]
          : []),
        ...(until.upstreamValidUntil ? [`  An access token stays valid there until ${until.upstreamValidUntil}.`] : []),
      ])
    })
  },
})
