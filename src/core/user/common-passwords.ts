/**
 * Passwords that everybody tries first, in lower case, of eight characters or more. Digits and signs behind a listed
 * word need no entry of their own; words too short to stand here are listed with the digits that people add.
 */
const PASSWORDS = `
  password passw0rd p@ssword p@ssw0rd p@$$w0rd pa$$word pa55word passwort passwords mypassword thepassword
  newpassword oldpassword yourpassword nopassword secretpassword passwordpassword password1password passpass
  passphrase pass1234 pass12345 pass123456 pass@123 pass@1234 changeme changeit change-me change_me changethis
  changemenow letmein1 letmein12 letmein123 letmein! letmeinnow letmeinplease opensesame welcome1 welcome12
  welcome123 welcome1234 welcome! welcome@123 welcomeback welcome2024 default1 default123 defaultpassword temp1234
  temppass temppassword temporary test1234 test12345 test123456 testtest testing1 testing123 tester123 testuser
  testpass testpassword demo1234 demodemo example1 sample123 guest123 guest1234 guestguest user1234 user12345
  username userpass useruser admin123 admin1234 admin12345 admin123456 admin@123 admin@1234 adminadmin adminpass
  adminpassword administrator root1234 rootroot rootpass rootpassword toor1234 superuser superadmin sysadmin
  operator login123 login1234 loginlogin master123 masterkey mastermaster secret12 secret123 secret1234 secretsecret
  topsecret verysecret supersecret mysecret keepitsecret access123 access14 accessgranted security private1
  system123 manager1 server123 computer internet software hardware keyboard notebook database developer programmer
  network1 qwerty12 qwerty123 qwerty1234 qwerty12345 qwerty123456 qwerty1! qwerty!@# qwertyqwerty qwerty00 qwerty77
  qwertyui qwertyuiop qwerasdf qwerasdfzxcv qweasd123 qweasdzxc qweqweqwe qwe12345 qwe123456 qweasd12 asdfasdf
  asdf1234 asdfghjk asdfghjkl asdfqwer asdasdasd asd12345 zxcvbnm1 zxcvbnm123 zxcvbnmz zxcvasdf zxczxczxc 1q2w3e4r
  1q2w3e4r5t 1qaz2wsx 1qaz2wsx3edc 1qaz@wsx 1qazxsw2 1qaz!qaz !qaz2wsx !qaz@wsx q1w2e3r4 q1w2e3r4t5 q1w2e3r4t5y6
  qazwsxed qazwsxedc qazwsx12 qazwsx123 zaq12wsx zaq1@wsx zaq1zaq1 zaq1xsw2 123qweasd 123qweasdzxc 123qwe123
  123qwe123qwe 12qwaszx 1234qwer 1234qwerasdf 12345qwert 123456qwerty 12345qwe 1234abcd 12345abc 123456abc 123abc123
  123456aa 123456789a 12345678a 123456789q 1234567a a1234567 a12345678 a123456789 a1b2c3d4 a1b2c3d4e5 a1s2d3f4
  aa123456 aaa12345 ab123456 abc12345 abc123456 abc123abc abcd1234 abcd12345 abcde123 abcde12345 abcdef12 abcdef123
  abcabcabc 12344321 123454321 1234554321 1234512345 123456654321 12301230 123123123 123321123 12341234 11112222
  11223344 1122334455 112233445566 11235813 11111111 00000000 88888888 12121212 10203040 102030405060 13131313
  13579246 135792468 13577531 14725836 147258369 147852369 159357456 159753456 159753258 321654987 741852963
  789456123 963852741 987654321 98765432 66666666 31415926 314159265 27182818 19871987 19901990 20002000 20202020
  20242024 12312312 01234567 0123456789 0987654321 iloveyou iloveu12 iloveme1 ilovehim iloveher ilovegod ilovejesus
  ilovemyself loveyou1 loveyou123 lovelove lovely12 loveme12 lover123 sweetheart sweetie1 darling1 princess princesa
  sunshine sunflower rainbow1 rainbow123 butterfly beautiful gorgeous precious blessed1 forever1 friends1 friendship
  babygirl babyboy1 angel123 angelica football baseball basketball softball volleyball swimming hockey12 soccer12
  soccer123 superman spiderman batman12 batman123 ironman1 wolverine deadpool starwars startrek skywalker darthvader
  pokemon1 pokemon123 pikachu1 minecraft fortnite nintendo playstation gamer123 callofduty counterstrike warcraft
  worldofwarcraft dragon12 dragon123 dragonball monkey12 monkey123 shadow12 shadow123 killer12 killer123 hunter12
  hunter123 tigger12 tiger123 ginger12 pepper12 charlie1 charlie123 michael1 michael123 jennifer jessica1 ashley12
  michelle daniel12 daniel123 thomas12 jordan23 jordan123 robert12 anthony1 samantha elizabeth alexander alexandra
  benjamin christian christina nicholas nicole12 patricia stephanie veronica victoria isabella gabriela fernando
  alejandro francisco sebastian caroline matthew1 andrew12 joshua12 justin12 liverpool chelsea1 chelseafc arsenal1
  manchester manutd12 barcelona realmadrid juventus steelers cowboys1 patriots yankees1 lakers24 mustang1 corvette
  mercedes porsche1 ferrari1 chevrolet motorola samsung1 microsoft google123 facebook linkedin twitter1 instagram
  youtube1 whatever trustno1 nothing1 something anything everything idontknow dontknow iforgot1 nopass12 blahblah
  asdfjkl; blink182 metallica slipknot greenday nirvana1 eminem12 rockstar rockyou1 rock1234 guitar12 musicman
  chocolate strawberry blueberry cupcake1 cheese12 cheesecake coffee12 banana12 pineapple orange12 purple12 midnight
  december november september saturday february january1 summer12 summer123 summer2023 summer2024 summer2025
  winter12 winter123 winter2024 spring123 autumn123 newyork1 california australia scotland mexico12 brasil12
  colombia america1 american freedom1 warrior1 champion maverick mountain hurricane phoenix1 predator scorpion
  panther1 dolphin1 elephant crystal1 diamond1 bulldogs snowball snoopy12 mickey12 mickeymouse hellokitty hello123
  hello1234 hellohello helloworld hello12345 goodbye1 goodluck jesus123 jesuschrist godisgood heaven12 heavenly
  trinity1 matrix12 gandalf1 gandalf123 cookie12 cookie123 monster1 monster123 correcthorsebatterystaple
  correct-horse-battery-staple
`

export const COMMON_PASSWORDS: ReadonlySet<string> = new Set(PASSWORDS.trim().split(/\s+/u))
