// Calls the provider of hermes/Smpp.xml as Hermes would. Each line of stdin is a command, its words separated by spaces; a
// string is "." and the base64 of its UTF-16, or "-" for null. Each command is answered by one line.
//
//   send FROM TO TEXT          -> accepted | failed ERROR
//   together N FROM TO TEXT    -> accepted | failed ERROR     N threads at a time, each with its number behind the text
//   set NAME VALUE             -> set                         one of the strings to edit
using System;
using System.Collections.Generic;
using System.IO;
using System.Reflection;
using System.Text;
using System.Threading;

public static class Driver
{
    public static void Main()
    {
        TextWriter answers = new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(false));
        string line;
        while ((line = Console.In.ReadLine()) != null)
        {
            answers.WriteLine(Do(line.Split(' ')));
            answers.Flush();
        }
    }

    private static string Do(string[] words)
    {
        switch (words[0])
        {
            case "send": return Outcome(Send(Read(words[1]), Read(words[2]), Read(words[3])));
            case "together": return Outcome(Together(int.Parse(words[1]), Read(words[2]), Read(words[3]), Read(words[4])));
            case "set":
                typeof(Smpp).GetField(words[1], BindingFlags.NonPublic | BindingFlags.Static).SetValue(null, Read(words[2]));
                return "set";
        }
        throw new ArgumentException(words[0]);
    }

    // Returns the error, null when there is none.
    private static string Send(string from, string to, string text)
    {
        string error;
        bool accepted = Smpp.SendSms(from, to, text, out error);
        if (accepted != (error == ""))
        {
            throw new InvalidOperationException(accepted + " with error " + error);
        }
        return accepted ? null : error;
    }

    private static string Together(int n, string from, string to, string text)
    {
        string failure = null;
        List<Thread> threads = new List<Thread>();
        for (int i = 0; i < n; i++)
        {
            string numbered = text + i;
            Thread thread = new Thread(delegate()
            {
                string error = Send(from, to, numbered);
                if (error != null)
                {
                    failure = error;
                }
            });
            threads.Add(thread);
            thread.Start();
        }
        foreach (Thread thread in threads)
        {
            thread.Join();
        }
        return failure;
    }

    private static string Read(string word)
    {
        return word == "-" ? null : Encoding.Unicode.GetString(Convert.FromBase64String(word.Substring(1)));
    }

    private static string Outcome(string error)
    {
        return error == null ? "accepted" : "failed " + error;
    }
}
