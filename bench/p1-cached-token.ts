/** P1: how often a second a cached access token can be had. Each contender got it from the same server before; none may request it again. */
import { memoryStore } from '@guestpass/core'
import { systemClock, systemRandom } from '@guestpass/core/runtime-kit'
import { type AuthorizationServer, authorizationServer } from './authorization-server.ts'
import { figures } from './figures.ts'
import { measure } from './measure.ts'
import { type Contender, oneAtATime, race } from './race.ts'
import { CLIENT, genesysClient, googleAuth, guestpass, inHand, msal, smithy } from './token-getters.ts'

/**
 * The Genesys SDK has no call that gives a token that is still valid: after the login the text is a member of the client,
 * and requests take it from there whatever its age.
 */
async function genesysSdk(server: AuthorizationServer): Promise<readonly Contender[]> {
  const client = genesysClient(server)
  await client.loginClientCredentialsGrant(CLIENT.id, CLIENT.secret)
  const name = 'purecloud-platform-client-v2'
  return [
    {
      name,
      calls: '`ApiClient.applyAuthToRequest(…)`, how its calls get their token; no look at the expiry',
      role: 'peer',
      once() {
        const request = { headers: {} as Record<string, string> }
        client.applyAuthToRequest(request, ['PureCloud OAuth'])
        return request.headers['Authorization']
      },
      take: (header?: string) => inHand(header?.slice('Bearer '.length)),
    },
    {
      name,
      calls: '`ApiClient.authData.accessToken`, reading a member; no look at the expiry',
      role: 'aside',
      once: () => client.authData.accessToken,
      take: inHand,
    },
  ]
}

await measure(async (pace) => {
  const server = await authorizationServer()
  const clock = systemClock({ unref: true })
  const contenders = [
    await guestpass(server, { store: memoryStore({ clock }), clock, random: systemRandom() }),
    await googleAuth(server),
    await smithy(server),
    await msal(server),
    ...(await genesysSdk(server)),
  ]
  for (const { once, take } of contenders) take((await once(0)) as never)
  const issued = server.issued()
  const rated = await race(contenders, oneAtATime, pace)
  if (server.issued() !== issued) throw new Error('a contender requested another token: it did not use its cache')
  server.close()
  return [figures('P1 cached access token', rated, [{ than: 'best peer', wanted: 2 }])]
})
