# A script of 20 rules, none of which applies to the messages of the benchmark.
require ["fileinto","imap4flags","envelope","subaddress","regex"];
# rule:[List 0]
if header :contains "list-id" "list0.example.org"
{
  fileinto "Lists/0"; stop;
}
# rule:[List 1]
if header :contains "list-id" "list1.example.org"
{
  fileinto "Lists/1"; stop;
}
# rule:[List 2]
if header :contains "list-id" "list2.example.org"
{
  fileinto "Lists/2"; stop;
}
# rule:[List 3]
if header :contains "list-id" "list3.example.org"
{
  fileinto "Lists/3"; stop;
}
# rule:[List 4]
if header :contains "list-id" "list4.example.org"
{
  fileinto "Lists/4"; stop;
}
# rule:[List 5]
if header :contains "list-id" "list5.example.org"
{
  fileinto "Lists/5"; stop;
}
# rule:[Customer 0]
if address :is :domain "from" ["customer0.example.com", "customer0.example.net"]
{
  fileinto "Customers/0"; stop;
}
# rule:[Customer 1]
if address :is :domain "from" ["customer1.example.com", "customer1.example.net"]
{
  fileinto "Customers/1"; stop;
}
# rule:[Customer 2]
if address :is :domain "from" ["customer2.example.com", "customer2.example.net"]
{
  fileinto "Customers/2"; stop;
}
# rule:[Customer 3]
if address :is :domain "from" ["customer3.example.com", "customer3.example.net"]
{
  fileinto "Customers/3"; stop;
}
# rule:[Spam]
if anyof (header :is "x-spam-flag" "YES", header :contains "x-spam-level" "*******")
{
  fileinto "Junk"; stop;
}
# rule:[Virus]
if header :contains "x-virus-status" "infected"
{
  discard; stop;
}
# rule:[Reports]
if allof (header :matches "subject" "*report*", address :localpart "from" ["cron", "root"])
{
  addflag "\\Seen"; fileinto "Reports"; stop;
}
# rule:[Tickets]
if header :regex "subject" "^\\[(ticket|issue) #[0-9]+\\]"
{
  fileinto "Tickets"; stop;
}
# rule:[Big]
if size :over 10M
{
  fileinto "Big"; stop;
}
# rule:[Work]
if envelope :detail "to" "work"
{
  fileinto "Work"; stop;
}
# rule:[Boss]
if header :contains ["from", "sender"] ["boss@example.org", "office@example.org"]
{
  addflag "\\Flagged"; keep; stop;
}
# rule:[Invoices]
if anyof (header :contains "subject" "invoice", header :contains "subject" "Rechnung", header :contains "subject" "facture")
{
  fileinto "Invoices"; stop;
}
# rule:[Social]
if address :is :domain "from" ["social.example", "pictures.example", "news.example"]
{
  fileinto "Social"; stop;
}
# rule:[Old newsletters]
if header :contains "list-unsubscribe" "newsletter"
{
  fileinto "Newsletters"; stop;
}
