import { describe, expect, it } from 'vitest'
import { GuestpassError } from '../../src/domain/errors.ts'
import { proxies, type ProxyVariables } from '../../src/node/proxies.ts'

const through = (variables: ProxyVariables, url: string): string | undefined => {
  const { protocol, hostname, port } = new URL(url)
  return proxies(variables)({ protocol, hostname, port })?.origin
}

const proxy = 'http://proxy.corp:3128'

describe('the proxy of a target', () => {
  it.each<[ProxyVariables, string, string | undefined]>([
    [{}, 'https://api.example.com', undefined],
    [{ HTTPS_PROXY: '' }, 'https://api.example.com', undefined],
    [{ HTTPS_PROXY: proxy }, 'https://api.example.com', proxy],
    [{ HTTPS_PROXY: proxy }, 'http://api.example.com', undefined],
    [{ HTTPS_PROXY: 'proxy.corp:3128' }, 'https://api.example.com', proxy],
    [{ HTTPS_PROXY: ' proxy.corp:3128 ' }, 'https://api.example.com', proxy],
    [{ HTTPS_PROXY: '127.0.0.1:3128' }, 'https://api.example.com', 'http://127.0.0.1:3128'],
    [{ HTTPS_PROXY: '[::1]:3128' }, 'https://api.example.com', 'http://[::1]:3128'],
    [{ HTTPS_PROXY: 'proxy.corp' }, 'https://api.example.com', 'http://proxy.corp'],
    [{ HTTPS_PROXY: 'https://proxy.corp/' }, 'https://api.example.com', 'https://proxy.corp'],
    [{ HTTPS_PROXY: 'user:canary@proxy.corp:3128' }, 'https://api.example.com', proxy],
    [{ HTTP_PROXY: proxy }, 'https://api.example.com', proxy],
    [{ HTTP_PROXY: 'one.corp:1', HTTPS_PROXY: proxy }, 'https://api.example.com', proxy],
    [{ HTTP_PROXY: 'one.corp:1', HTTPS_PROXY: proxy }, 'http://api.example.com', 'http://one.corp:1'],
    [{ https_proxy: proxy, HTTPS_PROXY: 'other.corp:1' }, 'https://api.example.com', proxy],
    [{ https_proxy: '', HTTPS_PROXY: proxy }, 'https://api.example.com', proxy],
    ...['localhost', '127.0.0.1', '127.8.9.10', '[::1]']
      .map((host) => [{ HTTPS_PROXY: proxy, HTTP_PROXY: proxy }, `https://${host}:8443`, undefined] as const)
      .map(([variables, url, none]): [ProxyVariables, string, string | undefined] => [variables, url, none]),
    [{ HTTPS_PROXY: proxy, NO_PROXY: '*' }, 'https://api.example.com', undefined],
    [{ HTTPS_PROXY: proxy, NO_PROXY: 'example.com' }, 'https://api.example.com', undefined],
    [{ HTTPS_PROXY: proxy, NO_PROXY: 'example.com' }, 'https://example.com', undefined],
    [{ HTTPS_PROXY: proxy, NO_PROXY: 'example.com' }, 'https://notexample.com', proxy],
    [{ HTTPS_PROXY: proxy, NO_PROXY: '.example.com' }, 'https://EXAMPLE.com.', undefined],
    [{ HTTPS_PROXY: proxy, NO_PROXY: '*.example.com' }, 'https://example.com', proxy],
    [{ HTTPS_PROXY: proxy, NO_PROXY: '*.example.com' }, 'https://a.b.example.com', undefined],
    [{ HTTPS_PROXY: proxy, NO_PROXY: 'a.org, example.com:8443' }, 'https://api.example.com:8443', undefined],
    [{ HTTPS_PROXY: proxy, NO_PROXY: 'a.org example.com:8443' }, 'https://api.example.com', proxy],
    [{ HTTPS_PROXY: proxy, NO_PROXY: 'example.com:443' }, 'https://api.example.com', undefined],
    [{ HTTPS_PROXY: proxy, NO_PROXY: '2001:db8::1' }, 'https://[2001:db8::1]', undefined],
    [{ HTTPS_PROXY: proxy, NO_PROXY: '[2001:db8::1]:443' }, 'https://[2001:db8::1]', undefined],
    [{ HTTPS_PROXY: proxy, NO_PROXY: '[2001:db8::1]:444' }, 'https://[2001:db8::1]', proxy],
    [{ HTTPS_PROXY: proxy, no_proxy: 'a.org', NO_PROXY: 'example.com' }, 'https://api.example.com', proxy],
  ])('of %j is, for %s, %s', (variables, url, origin) => expect(through(variables, url)).toBe(origin))

  it.each([
    'ftp://127.0.0.1:1',
    'socks5://127.0.0.1:1',
    'http://',
    'proxy.corp:99999',
    'a b',
    'http://canary%@proxy.corp',
    'http://proxy.corp/path',
  ])('that is given as %j is refused under the name of its variable, which does not show it', (value) => {
    for (const name of ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy']) {
      const refused = (): unknown => proxies({ [name]: value })
      expect(refused).toThrow(GuestpassError)
      expect(refused).toThrow(
        expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining(name) as string }),
      )
      expect(refused).not.toThrow(/canary/)
    }
  })
})
