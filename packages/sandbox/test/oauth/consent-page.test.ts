import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Sandbox } from '../../src/index.ts'
import { claims, type Reply, send, startSandbox } from '../genesys-client.ts'
import { authorize, CALLBACK, exchange, redirectOf, type Parameters } from '../user-client.ts'

const cookieOf = ({ headers }: Reply): string => headers.get('set-cookie')?.split(';')[0] ?? expect.fail('no cookie')

const formTokenOf = ({ text }: Reply): string =>
  /name="form_token" value="([\w-]{32})"/.exec(text)?.[1] ?? expect.fail('no form token')

/** What the browser sends when a button of the page is pressed. */
function decide(sandbox: Sandbox, page: Reply, form: Parameters, cookie = cookieOf(page)): Promise<Reply> {
  const body = new URLSearchParams({ form_token: formTokenOf(page), ...form })
  return send(sandbox, '/oauth/authorize', { method: 'POST', redirect: 'manual', headers: { cookie }, body })
}

describe('the consent page', () => {
  it('shows the users, the application and the requested scopes', async () => {
    const sandbox = await startSandbox({ organization: 'Acme' })
    const { status, text } = await authorize(sandbox)
    expect(status).toBe(200)
    const shown = [...sandbox.users.flatMap(({ id, name, email }) => [id, name, email]), 'user:read', 'guest:read']
    for (const what of [...shown, sandbox.publicClientId, 'Sign in to Acme']) expect(text).toContain(what)
  })

  it('signs in the chosen user when the user allows it', async () => {
    const sandbox = await startSandbox()
    const chosen = sandbox.users[1]?.id ?? ''
    const page = await authorize(sandbox)
    const { address, query } = redirectOf(await decide(sandbox, page, { decision: 'allow', user: chosen }))
    expect([address, query['state']]).toEqual([CALLBACK, 'st & te'])
    const { json } = await exchange(sandbox, query['code'] ?? '')
    expect(claims(json['access_token'])).toMatchObject({ sub: chosen, scope: 'user:read guest:read' })
  })

  it('redirects with access_denied when the user denies', async () => {
    const sandbox = await startSandbox()
    const reply = await decide(sandbox, await authorize(sandbox), { decision: 'deny' })
    expect(redirectOf(reply).query).toEqual({
      error: 'access_denied',
      error_description: 'the user said no',
      state: 'st & te',
    })
  })

  it.each<[string, (page: Reply, other: Reply) => [Parameters, string?]]>([
    ['a made-up form token', () => [{ form_token: 'a'.repeat(32) }]],
    ['no form token', () => [{ form_token: '' }]],
    ['no cookie', () => [{}, '']],
    ['the cookie of another browser', (_, other) => [{}, cookieOf(other)]],
  ])('does nothing for a form with %s', async (_, forge) => {
    const sandbox = await startSandbox()
    const page = await authorize(sandbox)
    const [form, cookie] = forge(page, await authorize(sandbox))
    const forged = await decide(sandbox, page, { decision: 'allow', ...form }, cookie)
    expect([forged.status, forged.headers.get('location')]).toEqual([400, null])
    expect(forged.text).toMatch(/role="alert"/)
    redirectOf(await decide(sandbox, page, { decision: 'allow' }))
  })

  it('accepts one decision, within ten minutes', async () => {
    const sandbox = await startSandbox()
    const [page, late] = [await authorize(sandbox), await authorize(sandbox)]
    redirectOf(await decide(sandbox, page, { decision: 'allow' }))
    expect((await decide(sandbox, page, { decision: 'allow' })).status).toBe(400)
    sandbox.advance(600_000)
    expect((await decide(sandbox, late, { decision: 'allow' })).status).toBe(400)
  })

  it('works twice in one browser at the same time', async () => {
    const sandbox = await startSandbox()
    const first = await authorize(sandbox)
    const cookie = cookieOf(first)
    const second = await authorize(sandbox, { state: 'second' }, { cookie: `theme=dark; ${cookie}` })
    expect(cookieOf(second)).toBe(cookie)
    for (const page of [first, second]) redirectOf(await decide(sandbox, page, { decision: 'allow' }, cookie))
  })

  it('loads no subresource, runs no script, and forbids frames and caches', async () => {
    const sandbox = await startSandbox({ redirectUris: ['https://app.test/callback', 'com.example.app:/callback'] })
    const { headers, text } = await authorize(sandbox, { redirect_uri: 'https://app.test/callback' })
    const style = /<style>([\s\S]*)<\/style>/.exec(text)?.[1] ?? ''
    const hash = createHash('sha256').update(style).digest('base64')
    const policy = headers.get('content-security-policy') ?? ''
    expect(policy.split('; ')).toEqual([
      "default-src 'none'",
      `style-src 'sha256-${hash}'`,
      "form-action 'self' http://127.0.0.1:* http://localhost:* https://app.test",
      "frame-ancestors 'none'",
      "base-uri 'none'",
    ])
    expect(text).not.toMatch(/<script|\sstyle=|\son\w+=|\ssrc=|url\(/)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('set-cookie')).toMatch(/; HttpOnly; SameSite=Lax$/)
    const own = await authorize(sandbox, { redirect_uri: 'com.example.app:/callback' })
    expect(own.headers.get('content-security-policy')).toContain('http://localhost:* com.example.app:;')
  })

  it('escapes the texts of the request', async () => {
    const bad = `"><img src=x onerror='a&b'>`
    const sandbox = await startSandbox({ clients: [{ id: bad }], organization: bad })
    const { status, text } = await authorize(sandbox, { client_id: bad })
    expect(status).toBe(200)
    expect(text).not.toContain('<img')
    expect(text).toContain('&quot;&gt;&lt;img src=x onerror=&#39;a&amp;b&#39;&gt;')
  })

  it('keeps its form token and cookie out of the journal', async () => {
    const sandbox = await startSandbox()
    const page = await authorize(sandbox)
    await decide(sandbox, page, { decision: 'allow' })
    const whole = JSON.stringify(sandbox.journal())
    for (const secret of [formTokenOf(page), cookieOf(page)]) expect(whole).not.toContain(secret)
  })

  it('takes scripted faults', async () => {
    const sandbox = await startSandbox({ faults: [{ on: 'authorize', do: { status: 503 } }] })
    const down = await authorize(sandbox)
    expect([down.status, down.headers.get('content-type')]).toEqual([503, 'text/html; charset=utf-8'])
    expect((await authorize(sandbox)).status).toBe(200)
  })
})
