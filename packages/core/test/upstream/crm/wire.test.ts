import { describe, expect, it } from 'vitest'
import type { HttpAnswer } from '../../../src/ports/http.ts'
import { createCrm } from '../../../src/upstream/crm/provider.ts'
import { json } from '../../world/fake-upstream.ts'
import { callsOver, refusal } from '../calls-over.ts'

const EMAIL = 'ann.example@mail.example'

function over(given: HttpAnswer) {
  const { network, policy, sent } = callsOver(given)
  return { sent, crm: createCrm({ connection: 'default', url: 'https://crm.example.com/v2/?key=k' }, policy, network) }
}

describe('a CRM on the wire', () => {
  it('is asked below its address, whose query stays', async () => {
    const { crm, sent } = over(json(200, { customerId: 'c-1', tier: '', more: 1 }))
    expect(await crm.profile(EMAIL)).toEqual({ customerId: 'c-1' })
    const url = new URL(sent[0]?.url ?? '')
    expect([url.origin, url.pathname, url.searchParams.get('key'), url.searchParams.get('email')]).toEqual([
      'https://crm.example.com',
      '/v2/profiles',
      'k',
      EMAIL,
    ])
  })

  it('gives no profile for 404 or an empty answer, and fails otherwise', async () => {
    expect(await over(json(404, {})).crm.profile(EMAIL)).toBeUndefined()
    expect(await over(json(200, {})).crm.profile(EMAIL)).toBeUndefined()
    expect((await refusal(over(json(200, [])).crm.profile(EMAIL))).code).toBe('upstream_garbled')
    expect((await refusal(over(json(500, { message: EMAIL })).crm.profile(EMAIL))).message).not.toContain('ann.example')
  })
})
