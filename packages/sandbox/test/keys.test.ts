import { decodeProtectedHeader } from 'jose'
import { expect, it } from 'vitest'
import { accessToken, control, keySet, mint, send, startSandbox, verifiedClaims } from './genesys-client.ts'

const JWKS = '/.well-known/jwks.json'

const kids = async (sandbox: Awaited<ReturnType<typeof startSandbox>>) =>
  (await keySet(sandbox)).keys.map(({ kid }) => kid)

it.each(['RS256', 'ES256'] as const)('publishes the public half of an %s key and signs with it', async (algorithm) => {
  const sandbox = await startSandbox({ algorithm })
  const [key, ...others] = (await keySet(sandbox)).keys
  expect(others).toEqual([])
  expect(key).toMatchObject({ alg: algorithm, use: 'sig', kty: algorithm === 'RS256' ? 'RSA' : 'EC' })
  expect(key).not.toHaveProperty('d')
  for (const token of [await accessToken(sandbox), (await mint(sandbox)).json['token']]) {
    expect(decodeProtectedHeader(String(token))).toEqual({ alg: algorithm, typ: 'JWT', kid: key?.kid })
  }
})

it('answers 304 for the current etag, and the key-set for another', async () => {
  const sandbox = await startSandbox()
  const first = await send(sandbox, JWKS)
  const etag = first.headers.get('etag') ?? ''
  expect(etag).toMatch(/^"[\w-]+"$/)
  expect(first.headers.get('cache-control')).toBe('public, max-age=300')
  for (const condition of [etag, `"old", ${etag}`, `W/${etag}`, '*']) {
    const again = await send(sandbox, JWKS, { headers: { 'if-none-match': condition } })
    expect([again.status, again.text, again.headers.get('etag')]).toEqual([304, '', etag])
  }
  expect((await send(sandbox, JWKS, { headers: { 'if-none-match': '"old"' } })).status).toBe(200)
})

it('keeps an old key published after a roll, and signs with the new one', async () => {
  const sandbox = await startSandbox()
  const [old] = await kids(sandbox)
  const before = await accessToken(sandbox)
  const etag = (await send(sandbox, JWKS)).headers.get('etag')
  const { status, json } = await control(sandbox, 'keys', { roll: true })
  expect(status).toBe(200)
  expect(await kids(sandbox)).toEqual([json['kid'], old])
  expect((await send(sandbox, JWKS)).headers.get('etag')).not.toBe(etag)
  expect(decodeProtectedHeader(await accessToken(sandbox)).kid).toBe(json['kid'])
  await expect(verifiedClaims(sandbox, before)).resolves.toBeDefined()
})

it('removes the old keys on a roll that drops them', async () => {
  const sandbox = await startSandbox()
  const before = (await mint(sandbox)).json['token']
  await sandbox.rollKeys()
  const kid = await sandbox.rollKeys({ drop: true })
  expect(await kids(sandbox)).toEqual([kid])
  await expect(verifiedClaims(sandbox, before)).rejects.toThrow('no applicable key')
  await expect(verifiedClaims(sandbox, (await mint(sandbox)).json['token'])).resolves.toBeDefined()
})
