import { afterEach, describe, expect, it, vi } from 'vitest'
import { GuestpassError } from '../../src/domain/errors.ts'
import { webPlatform } from '../../src/verify/web-crypto.ts'
import { webPorts } from '../../src/web/ports.ts'

afterEach(() => {
  vi.unstubAllGlobals()
})

describe('a page on an insecure origin, which has no crypto.subtle', () => {
  it.each([
    ['webPlatform', () => webPlatform()],
    ['webPorts', () => webPorts()],
  ])('gets config_invalid from %s, with the remedy', (_name, make) => {
    vi.stubGlobal('crypto', { getRandomValues: () => {} })
    let thrown: unknown
    try {
      make()
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(GuestpassError)
    expect(thrown).toMatchObject({ code: 'config_invalid', message: expect.stringContaining('https') })
  })
})
