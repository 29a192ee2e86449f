/*
 * Addresses that a webhook must never lead to, in the forms that people have tried: hosts, what resolvers answer, whole URLs.
 */

const words = (text: string): readonly string[] => text.trim().split(/\s+/)

/** Addresses that are not public, as they may be written in a URL or come from a resolver. */
export const v4 = words(`
  0.0.0.0 0.0.0.1 0.255.255.255 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255 127.0.0.1
  127.0.0.2 127.1.2.3 127.255.255.255 169.254.0.1 169.254.169.254 169.254.170.2 172.16.0.1 172.31.255.255
  192.0.0.1 192.0.0.192 192.0.2.1 192.88.99.1 192.168.0.1 192.168.255.255 198.18.0.1 198.19.255.255 198.51.100.1
  203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.254 255.255.255.255 168.63.129.16
`)

export const v6 = words(`
  :: ::1 ::2 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:7f00:1 ::ffff:10.0.0.1 ::ffff:8.8.8.8 ::ffff:0:127.0.0.1
  64:ff9b::127.0.0.1 64:ff9b::8.8.8.8 64:ff9b:1::1 100::1 2001::1 2001:2::1 2001:10::1 2001:20::1 2001:db8::1
  2001:db8:ffff::1 2002:7f00:1:: 2002:a00:1::1 3fff::1 5f00::1 4000::1 fc00::1 fd00::1 fd00:ec2::254 fdff:ffff::1
  fe80::1 febf::1 fec0::1 ff00::1 ff02::1 ff0e::1 0:0:0:0:0:0:0:1 0000:0000:0000:0000:0000:0000:0000:0001
  ::FFFF:192.168.1.1 FE80::1
`)

/** Hosts that a parser of addresses makes into one of those, or that no resolver is asked for. */
const odd = words(`
  2130706433 0x7f000001 0x7f.0.0.1 017700000001 0177.0.0.1 127.1 127.0.1 0 0x0 1 3232235777 0xC0A80101
  0300.0250.1.1 2852039166 0xA9FEA9FE 0251.0376.0251.0376 10.1 127.0.0.1. 0x7f000001. ①②⑦.⓪.⓪.① 127。0。0。1
  １２７.0.0.1 %31%32%37.0.0.1 [::ffff:7f00:0001] [0:0:0:0:0:ffff:127.0.0.1] localhost LOCALHOST localhost.
  a.localhost a.localhost. loc%61lhost printer printer.local metadata.google.internal metadata.google.internal.
  router.lan a.home.arpa
`)

/** Whole URLs that are no plain https:// address. */
const malformed = [
  ...words(`
    http://example.com/ ftp://example.com/ file:///etc/passwd gopher://127.0.0.1/ https:/example.com
    https://user@example.com/ https://user:pass@example.com/ https://example.com@127.0.0.1/ //127.0.0.1/
    https://example.com#@127.0.0.1/ https://127.0.0.1\\@example.com/ https:// https://[::1 https://[fe80::1%25eth0]/
    https://[fe80::1%eth0]/ https://example.com:99999/ nonsense
  `),
  'https://127.0.0.1 .example.com/',
  '',
]

export const urls: readonly string[] = [
  ...v4.map((address) => `https://${address}/`),
  ...v6.map((address) => `https://[${address}]/`),
  ...odd.map((host) => `https://${host}/`),
  ...malformed,
]
