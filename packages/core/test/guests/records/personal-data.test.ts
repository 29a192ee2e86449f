import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { settle } from '../../../src/testing/index.ts'
import type { Kind } from '../../world/applicant-upstream.ts'
import { ann, applicantWorld } from '../../world/applicant-world.ts'
import { instead } from '../../world/scripted-answers.ts'
import { refusal } from '../../world/world.ts'

const ADA = {
  ...ann,
  email: 'ada@x.example',
  name: 'Ada Lovelace',
  attributes: { diagnosis: 'diabetes type two' },
}

describe('personal data that the upstream repeats', () => {
  const said = { code: 'bad.request', message: 'LOVELACE, Ada (Diabetes%20type%20two, ADA@x.example) is locked' }

  it.each<Kind>(['create', 'update', 'refresh'])('is in no error and no record after a refused %s', async (kind) => {
    const here = applicantWorld()
    const { guests } = await here.process()
    here.upstream.meets(kind, instead(400, said))
    const made = guests.issue(ADA)
    const error =
      kind === 'create'
        ? await refusal(made)
        : kind === 'refresh'
          ? await refusal(made.then(({ guestId }) => guests.refresh(guestId)))
          : await made.then(() => settle())
    const texts = inspect([error, await here.events()], { depth: 20 })
    expect(texts).toContain('is locked')
    expect(texts).not.toMatch(/lovelace|diabetes|ada@/i)
  })
})
