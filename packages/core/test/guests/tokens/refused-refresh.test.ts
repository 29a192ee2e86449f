import { describe, expect, it } from 'vitest'
import { Secret } from '../../../src/domain/secret.ts'
import type { HttpAnswer } from '../../../src/ports/http.ts'
import { json } from '../../world/fake-upstream.ts'
import { answers, grantServer } from '../../world/grant-server.ts'
import { refusal, world } from '../../world/world.ts'

const html = (text: string): HttpAnswer => ({
  status: 401,
  headers: { 'content-type': 'text/html' },
  bytes: new TextEncoder().encode(text),
})

/** What a refresh of a sign-in is refused with, tried in both ways in which a client may name itself. */
async function refused(answer: () => HttpAnswer) {
  const here = world()
  const server = grantServer(here.clock)
  here.upstream.token = server.answering
  server.meets(answer, answer)
  const { accessTokens } = await here.process({ refreshToken: new Secret(server.issue()) })
  const error = await refusal(accessTokens.token())
  const { credential } = await here.store.find('default', 'grant')
  return { error, credential }
}

describe('a refresh that is refused with status 401 and no error of OAuth', () => {
  it.each([
    ['another error', answers(401, { error: 'unauthorized', error_description: 'refresh token expired' }), 'expired'],
    ['the error of an API', answers(401, { code: 'bad.credentials', message: 'No.' }), 'bad.credentials: No.'],
    ['a page', () => html('<h1>Please log in</h1>'), 'Please log in'],
    ['nothing', () => html(''), ''],
  ] as const)('names the client and the sign-in as what may be wrong: %s', async (_what, answer, said) => {
    const { error, credential } = await refused(() => answer(() => json(200, {})) as HttpAnswer)
    expect(error).toMatchObject({ code: 'client_rejected', upstream: { status: 401 } })
    expect(error.message).toContain('`client.secret`')
    expect(error.message).toContain('the sign-in has ended')
    expect(error.message).toContain(said)
    expect(credential?.tokens?.refresh).toBeDefined()
    expect(credential?.status).toBe('active')
  })

  it('names the client alone where the server does, and the sign-in alone where it does', async () => {
    const client = (await refused(() => json(401, { error: 'invalid_client' }))).error
    expect(client.code).toBe('client_rejected')
    expect(client.message).not.toContain('sign-in')
    const grant = (await refused(() => json(401, { error: 'invalid_grant' }))).error
    expect(grant.code).toBe('needs_reauth')
    expect(grant.message).not.toContain('`client.secret`')
  })
})
